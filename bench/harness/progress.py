# SPDX-License-Identifier: BSD-3-Clause
"""A line for each step of something long, with how much is left."""

import time


class Progress:
    """`planned`: how many seconds each step is thought to take; what the steps before took corrects that."""

    def __init__(self, planned):
        self._planned = list(planned)
        self._done = 0.0
        self._begin = time.monotonic()

    def left_seconds(self):
        done, all_of_it = self._done, sum(self._planned)
        passed = time.monotonic() - self._begin
        # The first steps say little about the rest.
        pace = (passed + 10) / (done + 10)
        return (all_of_it - done) * pace

    def step(self, planned, text):
        """One step has been taken."""
        self._done += planned
        left = int(self.left_seconds())
        part = min(100, round(100 * self._done / max(sum(self._planned), 1e-9)))
        print(f"[{part:3} %, {left // 60}:{left % 60:02} left] {text}", flush=True)

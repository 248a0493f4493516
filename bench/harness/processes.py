# SPDX-License-Identifier: BSD-3-Clause
"""Processes that end with whoever started them. Only these are ever signalled."""

import contextlib
import ctypes
import os
import pathlib
import resource
import signal
import subprocess
import time

_libc = ctypes.CDLL(None)
_PR_SET_PDEATHSIG = 1


class Failure(Exception):
    """Something that whoever runs a benchmark has to know; the text says what and where."""


def interrupts_raise():
    """From now on SIGTERM and SIGHUP unwind the stack as Ctrl-C does, so that everything is taken away."""

    def stop(number, _):
        # A second one must not interrupt the cleaning.
        for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(each, signal.SIG_IGN)
        raise KeyboardInterrupt(signal.Signals(number).name)

    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, stop)


def run(*command):
    """A short command; what it says when it fails goes into the Failure."""
    command = list(map(str, command))
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if ended.returncode != 0:
        raise Failure(f"`{' '.join(command)}` failed: {(ended.stderr or ended.stdout).strip()}")
    return ended.stdout


class Process:
    """A running program whose output goes to files."""

    def __init__(self, name, command, folder, environment=None, descriptors=None):
        """`descriptors`: how many it may have open, where that is more than usual."""
        self.name = name
        self.output = pathlib.Path(folder) / f"{name}.out"
        self.errors = pathlib.Path(folder) / f"{name}.err"

        def prepare():
            _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
            for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(each, signal.SIG_DFL)
            if descriptors:
                hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
                with contextlib.suppress(ValueError, OSError):
                    resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, max(descriptors, hard)))

        with self.output.open("w") as out, self.errors.open("w") as err:
            self._popen = subprocess.Popen(
                list(map(str, command)),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                env=os.environ | (environment or {}),
                start_new_session=True,
                preexec_fn=prepare,
            )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    @property
    def pid(self):
        return self._popen.pid

    def running(self):
        return self._popen.poll() is None

    def wait(self, seconds):
        """Until it has ended well; anything else is a Failure."""
        try:
            status = self._popen.wait(seconds)
        except subprocess.TimeoutExpired:
            raise Failure(f"{self.name} did not end within {seconds:.0f} s\n{self.said()}") from None
        if status != 0:
            raise Failure(f"{self.name} ended with status {status}\n{self.said()}")

    def stop(self, seconds=5):
        """In order, by force when that takes too long."""
        if self.running():
            self._popen.terminate()
            try:
                self._popen.wait(seconds)
            except subprocess.TimeoutExpired:
                self._popen.kill()
                self._popen.wait()

    def said(self, lines=20):
        """The end of what it said, for a Failure."""
        text = self.errors.read_text(errors="replace") + self.output.read_text(errors="replace")
        return "\n".join(text.splitlines()[-lines:])


def processor_seconds(pid):
    """User and system time of a process and all its threads so far."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class OthersWatch:
    """How many processors programs that are no part of a run have kept busy meanwhile: what spoils its figures."""

    def __init__(self, own_seconds):
        """`own_seconds` tells the processor time of the run's processes that have not been waited for."""
        self._own_seconds = own_seconds
        self._begin = (time.monotonic(), self._busy(), self._own())

    def processors(self):
        passed = time.monotonic() - self._begin[0]
        return max(0.0, self._busy() - self._begin[1] - (self._own() - self._begin[2])) / passed

    def _own(self):
        waited = resource.getrusage(resource.RUSAGE_CHILDREN)
        self_used = resource.getrusage(resource.RUSAGE_SELF)
        return self._own_seconds() + sum(each.ru_utime + each.ru_stime for each in (waited, self_used))

    @staticmethod
    def _busy():
        # What is not idle: the kernel measures that, while it samples by its clock what processors do when they are not.
        with open("/proc/stat", encoding="ascii") as file:
            _, _, _, idle, waiting, _, _, stolen, *_ = map(int, file.readline().split()[1:])
        away = (idle + waiting + stolen) / os.sysconf("SC_CLK_TCK")
        return time.monotonic() * os.cpu_count() - away


def eventually(what, seconds, pause=0.02):
    """Asks until it is true; False when the time is over."""
    deadline = time.monotonic() + seconds
    while not what():
        if time.monotonic() > deadline:
            return False
        time.sleep(pause)
    return True

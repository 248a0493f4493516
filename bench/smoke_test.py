#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Runs each benchmark as briefly as it goes, checks what it prints and writes, and that it would notice members that
disagree: smoke_test.py BUILD. No figure is judged by its size."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import types
import unittest
import xml.dom.minidom

sys.dont_write_bytecode = True
import peer  # noqa: E402
from harness import corosync_packages, report  # noqa: E402
from harness.processes import Failure  # noqa: E402

BUILD = pathlib.Path(sys.argv.pop(1))


def can_make_namespaces():
    """Containers may refuse it to root, too."""
    name = f"coterie-bench-{os.getpid()}-probe"
    made = os.geteuid() == 0 and subprocess.run(["ip", "netns", "add", name], check=False, capture_output=True)
    return bool(made) and made.returncode == 0 and subprocess.run(["ip", "netns", "delete", name]).returncode == 0


NETWORK = "namespaces" if can_make_namespaces() else "loopback"


def benchmark(*arguments):
    """What it prints, and its figures."""
    with tempfile.TemporaryDirectory() as folder:
        json_file, picture = pathlib.Path(folder, "figures.json"), pathlib.Path(folder, "picture.svg")
        command = [sys.executable, pathlib.Path(__file__).with_name("bench.py"), "--build", BUILD, *arguments]
        command += ["--json", json_file, "--picture", picture]
        ended = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False, timeout=100)
        if ended.returncode != 0:
            raise AssertionError(f"{' '.join(arguments)}\n{ended.stdout}\n{ended.stderr}")
        xml.dom.minidom.parse(str(picture))
        return ended.stdout, json.loads(json_file.read_text())


def leftovers():
    """Namespaces of this program's benchmarks."""
    named = pathlib.Path("/run/netns")
    return [each.name for each in named.iterdir() if each.name.startswith("coterie-bench-")] if named.exists() else []


class Peer(unittest.TestCase):
    def test_every_member_gets_what_was_sent(self):
        arguments = ["--only", "coterie", "--repeat", "1", "--network", NETWORK, "--whole"]
        before = set(leftovers())
        printed, figures = benchmark("peer", *arguments, "--count", "500", "--case", "three-senders-100")
        self.assertIn("all in the same order", printed)
        self.assertLessEqual(set(leftovers()), before)
        self.assertEqual({each["scheduling"] for each in figures["cases"]}, {"ordinary", "realtime"})
        for each in figures["cases"]:
            self.assertEqual(each["runs"]["coterie"][0]["received"], 1500)

    @unittest.skipUnless(
        NETWORK == "namespaces" and corosync_packages.installed("corosync"), "needs network namespaces and corosync"
    )
    def test_corosync_as_well(self):
        arguments = ["--count", "200", "--whole", "--repeat", "1", "--scheduling", "ordinary"]
        printed, figures = benchmark("peer", *arguments)
        self.assertRegex(printed, r"three senders, 100 B .* [0-9.]+x\n")
        self.assertEqual(figures["cases"][0]["runs"]["corosync"][0]["received"], 600)

    def test_large_messages_and_single_ones(self):
        cases = ["one-node-1m", "one-sender-1m", "latency-64"]
        arguments = ["--only", "coterie", "--repeat", "1", "--network", "loopback", "--scheduling", "ordinary"]
        _, figures = benchmark("peer", *arguments, "--whole", "--count", "10", "--case", *cases)
        self.assertEqual([each["name"] for each in figures["cases"]], cases)
        for each in figures["cases"]:
            self.assertEqual(each["runs"]["coterie"][0]["received"], 10)
        latency = figures["cases"][2]["runs"]["coterie"][0]["latency_us"]
        self.assertTrue(0 < latency["p50"] <= latency["p99"] <= latency["max"])

    def test_members_that_disagree_are_a_failure(self):
        def told(number, **changed):
            same = {"id": number, "sent": 2 if number == 1 else 0, "counts": {"1": 2}, "digest": "a"}
            return {**same, **changed}

        case, daemons = peer.CASES["one-sender-64"], types.SimpleNamespace(name="coterie")
        peer._compare(case, daemons, [told(1), told(2), told(3)])
        for wrong in ({"digest": "b"}, {"counts": {"1": 1}}, {"counts": {}}):
            with self.assertRaises(Failure):
                peer._compare(case, daemons, [told(1), told(2), told(3, **wrong)])


class Crowd(unittest.TestCase):
    def test_a_small_one(self):
        printed, figures = benchmark(
            "crowd", "--processes", "20", "--handles", "5", "--rate", "100", "--scheduling", "ordinary"
        )
        self.assertIn("join p99", printed)
        (one,) = figures["runs"]
        self.assertTrue(0 < one["join_ms"]["p50"] <= one["join_ms"]["p99"] <= one["join_ms"]["max"])
        self.assertGreaterEqual(one["per_handle"]["descriptors"], 0.9)
        self.assertLessEqual(one["per_handle"]["descriptors"], 1.05)
        self.assertEqual(one["per_handle_after_leaving"]["descriptors"], 0)


class Fairness(unittest.TestCase):
    def test_one_flood(self):
        arguments = ["--floods", "1", "--seconds", "0.3", "--repeat", "1", "--scheduling", "ordinary"]
        printed, figures = benchmark("fairness", *arguments)
        self.assertIn("1 flooding", printed)
        for each in figures["situations"]:
            self.assertGreater(each["runs"][0]["messages"], 0)
        self.assertGreater(figures["situations"][-1]["runs"][0]["flood_rates"][0], 0)


class Told(unittest.TestCase):
    @unittest.skipUnless(NETWORK == "namespaces", "needs network namespaces")
    def test_every_deed_is_told(self):
        printed, figures = benchmark("told", "--only", "coterie", "--repeat", "1", "--form", "4")
        self.assertIn("until all clients are told", printed)
        (one,) = figures["runs"]
        self.assertEqual(set(one["ms"]), {"vanished", "back", "killed", "formed"})
        self.assertGreater(min(one["ms"].values()), 0)


class Figures(unittest.TestCase):
    def test_three_digits_that_matter(self):
        shown = [report.short(each) for each in (0, 182_345, 99_950, 1_234.5, 38.71, 4.712, 0.01234)]
        self.assertEqual(shown, ["0", "182,000", "100,000", "1,230", "38.7", "4.71", "0.0123"])


if __name__ == "__main__":
    unittest.main()

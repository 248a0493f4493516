#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Runs each benchmark as briefly as it goes, checks what it prints and writes, and that figures and targets fit together:
smoke_test.py BUILD. No figure is judged by its size."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
import xml.dom.minidom

sys.dont_write_bytecode = True
import cases  # noqa: E402
import pictures  # noqa: E402
import suite  # noqa: E402
import tables  # noqa: E402
from harness import corosync_packages, flame, progress, report, svg  # noqa: E402
from harness.daemons import Coterie  # noqa: E402
from harness.network import Alone  # noqa: E402
from targets import TARGETS  # noqa: E402

BUILD = pathlib.Path(sys.argv.pop(1))


def can_make_namespaces():
    """Containers may refuse it to root, too."""
    name = f"coterie-bench-{os.getpid()}-probe"
    made = os.geteuid() == 0 and subprocess.run(["ip", "netns", "add", name], check=False, capture_output=True)
    return bool(made) and made.returncode == 0 and subprocess.run(["ip", "netns", "delete", name]).returncode == 0


NAMESPACES = can_make_namespaces()
needs_namespaces = unittest.skipUnless(NAMESPACES, "needs network namespaces")


def bench(*arguments):
    """What it prints."""
    command = [sys.executable, pathlib.Path(__file__).with_name("bench.py"), "--build", BUILD, *arguments]
    ended = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False, timeout=100)
    if ended.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, arguments))}\n{ended.stdout}\n{ended.stderr}")
    return ended.stdout


def benchmark(*arguments):
    """What one with a name prints, and its figures."""
    with tempfile.TemporaryDirectory() as folder:
        json_file, picture = pathlib.Path(folder, "figures.json"), pathlib.Path(folder, "picture.svg")
        printed = bench(*arguments, "--json", json_file, "--picture", picture)
        xml.dom.minidom.parse(str(picture))
        return printed, json.loads(json_file.read_text())


def leftovers():
    """Namespaces of this program's benchmarks."""
    named = pathlib.Path("/run/netns")
    return [each.name for each in named.iterdir() if each.name.startswith("coterie-bench-")] if named.exists() else []


@needs_namespaces
class Suite(unittest.TestCase):
    def test_a_part_of_it(self):
        before = set(leftovers())
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            options = ["--quick", "--repeat", 1, "--seconds", 0.1, "--results", folder]
            printed = bench(*options, "--only", "coterie", "--nodes", 1, 2, "--work", "flood", "latency")
            self.assertIn("1 node, 64 B", printed)
            self.assertIn("[100 %, 0:00 left]", printed)
            content = json.loads((folder / "results.json").read_text())
            flood = content["cases"]["1-nodes/flood/1-senders/64-bytes"]["runs"]
            self.assertEqual(set(flood), {"coterie"})
            self.assertGreater(flood["coterie"][0]["messages_per_second"], 0)
            latency = content["cases"]["2-nodes/latency/one-at-a-time"]["runs"]["coterie"][0]["latency_us"]
            self.assertTrue(0 < latency["p50"] <= latency["p99"] <= latency["max"])
            self.assertIn("2 nodes, one sender, 100 B", (folder / "table.md").read_text())
            xml.dom.minidom.parse(str(folder / "throughput.svg"))
            # What is measured later joins what is there.
            bench(*options, "--only", "coterie", "--nodes", 3, "--work", "killed", "idle")
            added = json.loads((folder / "results.json").read_text())["cases"]
            self.assertEqual(added["1-nodes/flood/1-senders/64-bytes"]["runs"], flood)
            self.assertGreater(added["3-nodes-realtime/killed"]["runs"]["coterie"][0]["killed_ms"], 0)
            self.assertGreater(added["3-nodes-realtime/idle"]["runs"]["coterie"][0]["rss_mib"], 0)
            xml.dom.minidom.parse(str(folder / "told.svg"))
        self.assertLessEqual(set(leftovers()), before)

    @unittest.skipUnless(corosync_packages.installed("corosync"), "needs corosync")
    def test_corosync_as_well(self):
        with tempfile.TemporaryDirectory() as folder:
            options = ["--quick", "--repeat", 1, "--seconds", 0.1, "--results", folder, "--nodes", 3]
            bench(*options, "--match", "3-senders", "--only", "corosync")
            found = json.loads(pathlib.Path(folder, "results.json").read_text())["cases"]
            flood = found["3-nodes/flood/3-senders/100-bytes"]["runs"]["corosync"]
            self.assertGreater(flood[0]["messages_per_second"], 0)


class PlantedFaults(unittest.TestCase):
    """One of three members gets a message wrongly: it fails and says why, and so do the others, which have seen it leave or
    have been told of another order."""

    def outcomes(self, fault):
        """(exit status, what it said) of each member; the fault is the first one's."""
        with tempfile.TemporaryDirectory(prefix="coterie-bench-") as folder:
            with Coterie(Alone(), folder, BUILD, realtime=False) as daemons:
                command = [BUILD / "bin/coterie", "bench", "flood", "--members", "3", "--senders", "2", "--limit", "20"]
                command = list(map(str, [*command, "--count", "300"]))
                environment = os.environ | daemons.environment(1)
                spoilt = {"LD_PRELOAD": str(BUILD / "bench/planted_faults.so"), "PLANTED_FAULT": fault}
                started = [
                    subprocess.Popen(words, env=each, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
                    for words, each in (
                        ([*command, "--listen"], environment | spoilt),
                        (command, environment),
                        (command, environment),
                    )
                ]
                said = [each.communicate(timeout=60) for each in started]
                return [(each.returncode, out + err) for each, (out, err) in zip(started, said)]

    def test_without_one_all_is_well(self):
        for status, said in self.outcomes("none"):
            self.assertEqual(status, 0, said)
            self.assertIn("Every member received 600 messages whole, once and in one order", said)

    def test_each_is_noticed_by_everybody(self):
        reasons = {
            "lost": r"message \d+ of 1/\d+ came where \d+ was due",
            "doubled": r"message \d+ of 1/\d+ came where \d+ was due",
            "altered": r"message \d+ of 1/\d+ has other bytes than were sent",
            "swapped": r"came where \d+ was due|in another order",
            "reordered": r"received the same 600 messages in another order than came here",
        }
        for fault, reason in reasons.items():
            with self.subTest(fault):
                outcomes = self.outcomes(fault)
                # Whoever is told first leaves, and may leave before the rest is told the reason.
                told = outcomes if fault == "reordered" else outcomes[:1]
                self.assertTrue(any(re.search(reason, said) for _, said in told), outcomes)
                for status, said in outcomes:
                    self.assertEqual(status, 1, said)
                    self.assertRegex(said, rf"\Acoterie: [^\n]*({reason}|a member left amid the run|in another order)[^\n]*\n\Z")


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


def told(key, ours, theirs=()):
    """Figures of one case, for tables and pictures."""
    return {
        "corosync": "3.1.7",
        "machine": {"date": "today", "processor": "some", "cores": 2, "kernel": "6", "system": "Debian"},
        "cases": {key: {"title": key, "bytes": 64, "runs": {"coterie": list(ours), "corosync": list(theirs)}, "why_not": {}}},
    }


def rates(*values):
    return [{"messages_per_second": each} for each in values]


class Profile(unittest.TestCase):
    SAMPLES = """coteried
\t    7f01 __sendmsg+0x10 (/usr/lib/libc.so.6)
\t    5601 coterie::net::link_socket::send(std::span<std::byte, 5ul>) (/build/bin/coteried)
\t    5602 main (/build/bin/coteried)

coteried
\tffff8100 udp_sendmsg ([kernel.kallsyms])
\t    5602 main (/build/bin/coteried)

swapper
\tffff8101 default_idle ([kernel.kallsyms])
"""

    def test_stacks_are_folded_from_the_outside_in_and_idling_is_none(self):
        folded = flame.fold(self.SAMPLES.splitlines())
        self.assertEqual(
            dict(folded),
            {
                ("coteried", "main", "net::link_socket::send", "__sendmsg"): 1,
                ("coteried", "main", "udp_sendmsg" + flame.KERNEL): 1,
            },
        )
        self.assertEqual(flame.self_times(folded)[0][0], 0.5)
        drawn = flame.draw(folded, "two samples")
        xml.dom.minidom.parseString(drawn)
        self.assertIn("<title>net::link_socket::send: 50.0%</title>", drawn)
        self.assertIn("<title>main: 100.0%</title>", drawn)

    @unittest.skipUnless(NAMESPACES and shutil.which("perf"), "needs network namespaces and perf")
    def test_a_case_is_drawn(self):
        printed = bench("profile", "--case", "1-nodes/flood/1-senders/64-bytes", "--seconds", "0.5")
        self.assertIn("of the samples", printed)
        self.assertIn("coteried", printed)

    @unittest.skipUnless(NAMESPACES and shutil.which("valgrind"), "needs network namespaces and valgrind")
    def test_instructions_are_counted(self):
        printed = bench("profile", "--tool", "callgrind", "--case", "1-nodes/flood/1-senders/64-bytes", "--count", "500")
        self.assertRegex(printed, r"[\d,]+ instructions a message in the daemon of node 1: 500 messages")


class Figures(unittest.TestCase):
    def row(self, key, ours, theirs=()):
        """The first row of the table that has figures."""
        content = told(key, ours, theirs)
        (row,) = [each for each in map(lambda t: tables.judged(t, content), TARGETS) if each[-1] != "not measured"]
        return row

    def test_a_ratio_is_of_medians_and_cut_off(self):
        row = self.row("1-nodes/flood/1-senders/64-bytes", rates(10, 799.9, 9000), rates(100, 1, 1e9))
        self.assertEqual(row[3], "7.9×")
        self.assertEqual(row[-1], "MISSED")
        self.assertEqual(self.row("1-nodes/flood/1-senders/64-bytes", rates(800), rates(100))[-1], "met")
        self.assertEqual(self.row("1-nodes/flood/1-senders/64-bytes", rates(2000), rates(100))[-1], "aim met")

    def test_less_is_better_for_times(self):
        row = self.row("3-nodes-realtime/killed", [{"killed_ms": 399}])
        self.assertEqual(row[-1], "met")
        self.assertEqual(self.row("3-nodes-realtime/killed", [{"killed_ms": 400}])[-1], "MISSED")
        self.assertEqual(self.row("3-nodes-realtime/killed", [{"killed_ms": 99}])[-1], "aim met")

    def test_every_target_has_a_case(self):
        for quick in (True, False):
            keys = [each.key for each in cases.all_cases(quick)]
            self.assertEqual(len(keys), len(set(keys)))
            self.assertEqual([each.case for each in TARGETS if each.case not in keys], [])

    def test_every_picture_is_drawn_where_there_are_figures(self):
        self.assertEqual(pictures.of(told("none", [])), {})

    def test_three_digits_that_matter(self):
        shown = [report.short(each) for each in (0, 182_345, 99_950, 1_234.5, 38.71, 4.712, 0.01234)]
        self.assertEqual(shown, ["0", "182,000", "100,000", "1,230", "38.7", "4.71", "0.0123"])

    def test_an_axis_has_its_values_inside(self):
        axis = svg.logarithmic([3, 4_000], str)
        self.assertTrue(100 <= axis.at(3, 100, 500) < axis.at(4_000, 100, 500) <= 500)
        self.assertEqual([value for value, _ in axis.ticks], [1, 10, 100, 1_000, 10_000])

    def test_what_is_left_shrinks_to_nothing(self):
        steps = progress.Progress([5, 5])
        self.assertGreater(steps.left_seconds(), 0)
        with open(os.devnull, "w", encoding="ascii") as nowhere:
            sys.stdout, shown = nowhere, sys.stdout
            steps.step(5, "one")
            steps.step(5, "two")
            sys.stdout = shown
        self.assertEqual(steps.left_seconds(), 0)

    def test_options_alone_are_of_the_suite(self):
        import bench as entry

        self.assertEqual(entry._words(["--quick"]), ["suite", "--quick"])
        self.assertEqual(entry._words(["--build", "x", "--quick"]), ["--build", "x", "suite", "--quick"])
        self.assertEqual(entry._words(["crowd", "--nodes", "3"]), ["crowd", "--nodes", "3"])
        self.assertEqual(entry._words(["--help"]), ["--help"])
        self.assertEqual(entry._words([]), ["suite"])


if __name__ == "__main__":
    unittest.main()

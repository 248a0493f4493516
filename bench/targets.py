# SPDX-License-Identifier: BSD-3-Clause
"""What Coterie is to reach: times better than Corosync in the same run, or absolute figures."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Target:
    title: str
    case: str  # its key
    figure: str  # of a run: a name, or two with a dot between
    unit: str
    least: float
    aim: float
    higher_is_better: bool = True
    ratio: bool = True  # to Corosync; else an absolute figure
    per_byte: bool = False  # shown as MB/s


def _flood(title, place, senders, count, least, aim, per_byte=False):
    case = f"{place}/flood/{senders}-senders/{count}-bytes"
    unit = "MB/s" if per_byte else "messages/s"
    return Target(title, case, "messages_per_second", unit, least, aim, per_byte=per_byte)


def _latency(title, place, part, least, aim):
    return Target(title, f"{place}/latency/one-at-a-time", f"latency_us.{part}", "us", least, aim, higher_is_better=False)


def _absolute(title, case, figure, unit, least, aim):
    return Target(title, case, figure, unit, least, aim, higher_is_better=False, ratio=False)


TARGETS = (
    _flood("1 node, 64 B", "1-nodes", 1, 64, 8, 20),
    _flood("1 node, 1 MB", "1-nodes", 1, 1_000_000, 3, 5, True),
    _flood("3 nodes, one sender, 100 B", "3-nodes", 1, 100, 8, 20),
    _flood("3 nodes, one sender, 1,600 B", "3-nodes", 1, 1_600, 10, 30, True),
    _flood("3 nodes, one sender, 16 KB", "3-nodes", 1, 16_384, 10, 30, True),
    _flood("3 nodes, one sender, 1 MB", "3-nodes", 1, 1_000_000, 10, 30, True),
    _flood("3 nodes, three senders, 100 B", "3-nodes", 3, 100, 8, 20),
    _flood("3 nodes, three senders, 16 KB", "3-nodes", 3, 16_384, 8, 20, True),
    _flood("encrypted, one sender, 100 B", "3-nodes-encrypted", 1, 100, 8, None),
    _flood("encrypted, one sender, 1,600 B", "3-nodes-encrypted", 1, 1_600, 8, None, True),
    _flood("encrypted, one sender, 16 KB", "3-nodes-encrypted", 1, 16_384, 8, None, True),
    _flood("encrypted, one sender, 1 MB", "3-nodes-encrypted", 1, 1_000_000, 8, None, True),
    _flood("encrypted, three senders, 100 B", "3-nodes-encrypted", 3, 100, 8, None),
    _flood("encrypted, three senders, 16 KB", "3-nodes-encrypted", 3, 16_384, 8, None, True),
    _latency("3 nodes, one at a time, p50", "3-nodes", "p50", 2.5, 5),
    _latency("3 nodes, one at a time, p99", "3-nodes", "p99", 5, 20),
    _flood("8 nodes, one sender, 100 B", "8-nodes", 1, 100, 10, 30),
    _latency("8 nodes, one at a time, p50", "8-nodes", "p50", 10, 30),
    _absolute("16 nodes, cold start to one view", "16-nodes/form", "ms", "ms", 2_000, 500),
    _absolute("daemon killed, until clients are told", "3-nodes-realtime/killed", "killed_ms", "ms", 400, 100),
    _absolute("machine vanished, until clients are told", "3-nodes-realtime/unplugged", "vanished_ms", "ms", 1_500, 700),
    _absolute("idle daemon, of a core", "3-nodes-realtime/idle", "core_percent", "%", 0.5, 0.1),
    _absolute("memory, steady flood of 100 B", "3-nodes/flood/1-senders/100-bytes", "daemon_peak_mib", "MiB", 64, 32),
    _absolute("memory, steady flood of 1 MB", "3-nodes/flood/1-senders/1000000-bytes", "daemon_peak_mib", "MiB", 64, 32),
)

# For encryption the aim is a part of the own plain figure.
ENCRYPTED_AIM = 0.6

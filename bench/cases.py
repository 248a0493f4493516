# SPDX-License-Identifier: BSD-3-Clause
"""What `./dev bench` measures: which work on which cluster. A case is measured on Coterie and Corosync alike."""

import dataclasses

SIZES = (64, 256, 1_600, 16_384, 65_536, 262_144, 1_000_000, 4_000_000)
QUICK_SIZES = (64, 1_600, 16_384, 1_000_000, 4_000_000)
NODES = (1, 2, 3, 5, 8, 16)
# CPG_MAX_ATOMIC: larger ones a program would have to cut up itself.
COROSYNC_BYTES_MAX = 1_000_000


@dataclasses.dataclass(frozen=True)
class Cluster:
    """Daemons that are started together and serve several cases."""

    nodes: int
    mtu: int = 1500
    encrypted: bool = False
    slow: bool = False  # the last node's daemon runs one millisecond of ten
    realtime: bool = False  # SCHED_RR, the default of both products; benchmarks.md says why rates are measured without

    @property
    def title(self):
        text = f"{self.nodes} node" + "s" * (self.nodes > 1)
        if self.mtu != 1500:
            text += f", MTU {self.mtu:,}"
        return text + ", encrypted" * self.encrypted + ", the last ten times slower" * self.slow


@dataclasses.dataclass(frozen=True)
class Case:
    cluster: Cluster
    work: str  # of works.py: form, flood, latency, joins, idle, unplugged, killed
    bytes: int = 0
    senders: int = 1
    rate: int = 0  # messages a second; 0: one at a time
    groups: int = 1

    @property
    def key(self):
        """What it is called in results.json."""
        place = f"{self.cluster.nodes}-nodes" + "-jumbo" * (self.cluster.mtu != 1500)
        place += "-encrypted" * self.cluster.encrypted + "-one-slow" * self.cluster.slow
        place += "-realtime" * self.cluster.realtime
        words = [place, self.work]
        if self.work == "flood":
            words += [f"{self.senders}-senders", f"{self.bytes}-bytes"]
        if self.groups > 1:
            words.append(f"{self.groups}-groups")
        if self.work == "latency":
            words.append(f"{self.rate}-a-second" if self.rate else "one-at-a-time")
        return "/".join(words)

    @property
    def title(self):
        return f"{self.cluster.title}, {self.what}"

    @property
    def what(self):
        if self.work == "flood":
            text = {1: "one sender", 3: "three senders"}[self.senders] + f", {size(self.bytes)}"
            return text + f", {self.groups} groups" * (self.groups > 1)
        if self.work == "latency":
            return f"{size(self.bytes)}, " + (f"{self.rate:,} a second" if self.rate else "one at a time")
        return WORKS[self.work]

    @property
    def corosync_can(self):
        return self.bytes <= COROSYNC_BYTES_MAX


WORKS = {
    "form": "started together until one view is told of",
    "joins": "joins and leaves, 10 handles a node",
    "idle": "idle",
    "unplugged": "a machine vanishes from the network, and is back",
    "killed": "a daemon is killed",
}


def size(count):
    """64 B, 1,600 B, 16 KB, 1 MB: KB as programs have them, where they are powers of two."""
    if count >= 1_000_000:
        return f"{count / 1e6:g} MB"
    if count % 1024 == 0:
        return f"{count // 1024} KB"
    return f"{count:,} B"


def all_cases(quick):
    """In the order in which they are measured: by cluster."""
    cases = []
    sizes = QUICK_SIZES if quick else SIZES
    for nodes in NODES:
        cluster = Cluster(nodes)
        cases.append(Case(cluster, "form"))
        # First, since its memory is looked at: daemons may keep some of what other cases needed.
        cases.append(Case(cluster, "flood", 100))
        if nodes == 3:
            cases += [Case(cluster, "flood", each, 3) for each in (100, 16_384)]
        if nodes in (1, 3):
            cases += [Case(cluster, "flood", each) for each in sizes]
            cases.append(Case(cluster, "latency", 64, rate=1_000))
        if nodes == 3:
            cases.append(Case(cluster, "flood", 100, groups=100))
            cases.append(Case(cluster, "joins"))
        cases.append(Case(cluster, "latency", 64))
    jumbo = Cluster(3, mtu=9000)
    cases += [Case(jumbo, "flood", each) for each in ((1_600, 1_000_000) if quick else sizes)]
    encrypted = Cluster(3, encrypted=True)
    cases += [Case(encrypted, "flood", each) for each in (100, 1_600, 16_384, 1_000_000)]
    cases += [Case(encrypted, "flood", each, 3) for each in (100, 16_384)]
    cases.append(Case(encrypted, "latency", 64))
    cases += [Case(Cluster(nodes, slow=True), "latency", 64) for nodes in (3, 8)]
    default = Cluster(3, realtime=True)
    cases += [Case(default, each) for each in ("idle", "unplugged", "killed")]
    return cases

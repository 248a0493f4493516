# SPDX-License-Identifier: BSD-3-Clause
"""How long it takes until every client that is concerned has been told: of a daemon that was killed, of a machine that has
vanished from the network, of one that is back, and of the first view of all when many daemons start together. Coterie and
Corosync in turn on the same hosts, each with the times of its defaults. The time runs from the moment before the deed until
the last client's callback."""

import dataclasses
import os
import pathlib
import signal
import time

from harness import corosync_packages, report
from harness.daemons import Corosync, Coterie
from harness.network import network
from harness.processes import Failure, OthersWatch, eventually

LIMIT_SECONDS = 90
# A cluster that has just changed is given this long before the next deed; then some more, another time in each run, since
# what is sent at a fixed pace is in another phase then.
REST_SECONDS = 1.5
PHASE_SECONDS = 0.037


@dataclasses.dataclass(frozen=True)
class Deed:
    title: str
    wanted_ms: int  # docs/benchmarks.md: what Coterie aims at


DEEDS = {
    "vanished": Deed("a machine vanishes from the network", 700),
    "back": Deed("it is back, all in one view", 1000),
    "killed": Deed("a daemon is killed", 100),
    "formed": Deed("daemons started together form one view", 500),
}


def add_arguments(parser):
    parser.add_argument("--nodes", type=int, default=3, help="hosts for all but the forming")
    parser.add_argument("--form", type=int, default=16, help="hosts that form a view")
    parser.add_argument("--only", choices=["coterie", "corosync"], help="measure one of the two")
    parser.add_argument("--repeat", type=int, default=5, help="runs of each, of which the median counts")
    parser.add_argument("--scheduling", choices=["ordinary", "realtime"], default="realtime")


def run(asked, build, folder):
    packages = None if asked.only == "coterie" else corosync_packages.find(build / "bench/corosync-packages")
    realtime = asked.scheduling == "realtime"
    runs = []
    for turn in range(asked.repeat):
        for product in ("coterie", "corosync"):
            if asked.only not in (None, product):
                continue
            result = {"product": product, "ms": {}}

            def daemons(place, product=product):
                if product == "coterie":
                    return Coterie(place, folder, build, realtime)
                return Corosync(place, folder, packages, realtime)

            own = [0.0]
            others = OthersWatch(lambda used=own: used[0])
            with network("namespaces", asked.nodes) as place:
                result["ms"].update(_faults(daemons(place), build, own, turn))
            with network("namespaces", asked.form) as place:
                result["ms"]["formed"] = _forming(daemons(place), build, own)
            result["others_processors"] = others.processors()
            runs.append(result)
            told = ", ".join(f"{name} {report.short(ms)} ms" for name, ms in result["ms"].items())
            print(f"  run {turn + 1} {product:8} {told}{report.others(result)}", flush=True)
    _print(asked, runs)
    return {"nodes": asked.nodes, "form": asked.form, "corosync": packages and packages.version, "runs": runs}


class Watchers:
    """A client on each host, and what it has been told."""

    def __init__(self, daemons, build):
        self._clients = {
            host: daemons.client(f"watch-{host}", host, [build / "bench/watch", "--limit", LIMIT_SECONDS])
            for host in daemons.network.hosts
        }

    def stop(self):
        for each in self._clients.values():
            each.stop()

    def told(self, host, what, nodes, since):
        """When that client was first told of exactly these nodes after `since`; None: not yet."""
        for line in self._clients[host].output.read_text().splitlines(keepends=True):
            words = line.split()
            if line.endswith("\n") and words[1] == what and int(words[0]) >= since:
                if sorted(map(int, words[2:])) == sorted(nodes):
                    return int(words[0])
        return None

    def all_told(self, hosts, what, nodes, since):
        """Milliseconds from `since` until the last of these clients was told of these nodes."""
        times = {}

        def complete():
            for host in hosts:
                if times.get(host) is None:
                    times[host] = self.told(host, what, nodes, since)
            return all(times.values())

        if not eventually(complete, LIMIT_SECONDS, 0.01):
            missing = [host for host in hosts if not times[host]]
            said = "\n".join(f"{host}: {self._clients[host].said(5)}" for host in missing)
            raise Failure(f"the clients on {missing} were not told of {what} {sorted(nodes)}\n{said}")
        return (max(times.values()) - since) / 1e6


def _faults(daemons, build, own, turn):
    """One after the other on one cluster."""
    rest_seconds = REST_SECONDS + PHASE_SECONDS * turn
    ms = {}
    place = daemons.network
    everybody, last = list(place.hosts), place.hosts[-1]
    rest = everybody[:-1]
    with daemons:
        watchers = Watchers(daemons, build)
        try:
            watchers.all_told(everybody, "group", everybody, 0)
            time.sleep(rest_seconds)
            begin = time.monotonic_ns()
            place.unplug(last)
            ms["vanished"] = watchers.all_told(rest, "group", rest, begin)
            time.sleep(rest_seconds)
            begin = time.monotonic_ns()
            place.plug_in(last)
            ms["back"] = watchers.all_told(everybody, "group", everybody, begin)
            time.sleep(rest_seconds)
            begin = time.monotonic_ns()
            os.kill(_pid_of(daemons, last), signal.SIGKILL)
            ms["killed"] = watchers.all_told(rest, "group", rest, begin)
            own[0] += daemons.processor_seconds()
        finally:
            watchers.stop()
    return ms


def _forming(daemons, build, own):
    """From the start of the first daemon on."""
    everybody = list(daemons.network.hosts)
    begin = time.monotonic_ns()
    with daemons:
        watchers = Watchers(daemons, build)
        try:
            formed = watchers.all_told(everybody, "ring", everybody, begin)
            own[0] += daemons.processor_seconds()
            return formed
        finally:
            watchers.stop()


def _pid_of(daemons, host):
    """Of the daemon itself: what was started replaces itself by it."""
    pid = daemons.processes[host].pid
    name = pathlib.Path(f"/proc/{pid}/comm").read_text().strip()
    if name not in ("coteried", "corosync"):
        raise Failure(f"process {pid} is {name}, not the daemon of node {host}")
    return pid


def _medians(runs, product):
    return {
        name: report.median([each["ms"][name] for each in runs if each["product"] == product])
        for name in DEEDS
        if any(each["product"] == product for each in runs)
    }


def _print(asked, runs):
    ours, theirs = _medians(runs, "coterie"), _medians(runs, "corosync")
    rows = []
    for name, deed in DEEDS.items():
        hosts = asked.form if name == "formed" else asked.nodes
        mine = [each["ms"][name] for each in runs if each["product"] == "coterie"]
        spread = f"{report.short(min(mine))} to {report.short(max(mine))}" if mine else "-"
        ratio = f"{theirs[name] / ours[name]:.1f}x sooner" if ours and theirs else "-"
        rows.append(
            [deed.title, hosts, report.short(ours.get(name)), spread, report.short(theirs.get(name)), ratio, deed.wanted_ms]
        )
    print()
    head = ["ms until all clients are told", "hosts", "Coterie", "its spread", "Corosync", "", "wanted"]
    print(report.table(head, rows))
    report.warn_of_others(runs)


def picture(content):
    groups = []
    for name, deed in DEEDS.items():
        entries = []
        for product in ("coterie", "corosync"):
            known = _medians(content["runs"], product)
            if known:
                entries.append((product.capitalize(), known[name]))
        groups.append((deed.title, entries))
    return report.bars("Until all clients are told, medians", "ms", groups, logarithmic=True)

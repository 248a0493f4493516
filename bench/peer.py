# SPDX-License-Identifier: BSD-3-Clause
"""Coterie and Corosync in turn on the same hosts: how many messages a second every member delivers, and how long one takes
to come back to its sender. A run whose members do not all deliver everything in one order is a failure, not a figure."""

import dataclasses
import json

from harness import corosync_packages, report
from harness.daemons import Corosync, Coterie
from harness.network import network
from harness.processes import Failure, OthersWatch

LIMIT_SECONDS = 60


@dataclasses.dataclass(frozen=True)
class Case:
    title: str
    nodes: int
    senders: int
    bytes: int
    role: str = "flood"


CASES = {
    "three-senders-100": Case("3 nodes, three senders, 100 B", 3, 3, 100),
    "three-senders-16k": Case("3 nodes, three senders, 16 KB", 3, 3, 16_384),
    "one-node-64": Case("1 node, 64 B", 1, 1, 64),
    "one-node-1m": Case("1 node, 1 MB", 1, 1, 1_000_000),
    "one-sender-64": Case("3 nodes, one sender, 64 B", 3, 1, 64),
    "one-sender-1600": Case("3 nodes, one sender, 1,600 B", 3, 1, 1_600),
    "one-sender-16k": Case("3 nodes, one sender, 16 KB", 3, 1, 16_384),
    "one-sender-1m": Case("3 nodes, one sender, 1 MB", 3, 1, 1_000_000),
    "latency-64": Case("3 nodes, one at a time, 64 B", 3, 1, 64, "ping"),
}


def add_arguments(parser):
    parser.add_argument("--case", nargs="+", metavar="NAME", default=["three-senders-100"], help="which; or all")
    parser.add_argument("--only", choices=["coterie", "corosync"], help="measure one of the two")
    parser.add_argument("--seconds", type=float, default=2, help="how long each run measures")
    parser.add_argument("--count", type=int, help="instead: so many messages of each sender")
    parser.add_argument("--repeat", type=int, default=5, help="runs of each, of which the median counts")
    parser.add_argument(
        "--scheduling",
        choices=["ordinary", "realtime", "both"],
        default="both",
        help="of all daemons: system.sched_rr no or yes (the default of both products)",
    )
    parser.add_argument("--network", choices=["namespaces", "loopback"], default="namespaces")
    parser.add_argument("--wait-us", type=int, default=100, help="what a sender sleeps when there is no room")
    parser.add_argument("--safe", action="store_true", help="CPG_TYPE_SAFE instead of CPG_TYPE_AGREED")
    parser.add_argument("--whole", action="store_true", help="fill and compare every byte of every message")


def run(asked, build, folder):
    """Measures; what it returns becomes the JSON."""
    names = list(CASES) if "all" in asked.case else asked.case
    unknown = [each for each in names if each not in CASES]
    if unknown:
        raise Failure(f"there is no case {', '.join(unknown)}; there are: all {' '.join(CASES)}")
    packages = None if asked.only == "coterie" else corosync_packages.find(build / "bench/corosync-packages")
    schedulings = ["ordinary", "realtime"] if asked.scheduling == "both" else [asked.scheduling]
    results = []
    for name in names:
        for scheduling in schedulings:
            results.append(_measure(asked, name, scheduling, build, folder, packages))
    _print(results)
    return {"corosync": packages.version if packages else None, "cases": results}


def _measure(asked, name, scheduling, build, folder, packages):
    """All runs of one case, the two products in turn."""
    case = CASES[name]
    print(f"{case.title}, {scheduling} scheduling", flush=True)
    runs = {}
    # Corosync needs a namespace even where it is alone.
    place = network("namespaces" if packages else asked.network, case.nodes)
    with place:
        for turn in range(asked.repeat):
            for product in ("coterie", "corosync"):
                if asked.only in (None, product):
                    realtime = scheduling == "realtime"
                    daemons = (
                        Coterie(place, folder, build, realtime)
                        if product == "coterie"
                        else Corosync(place, folder, packages, realtime)
                    )
                    runs.setdefault(product, []).append(_run_once(asked, case, daemons, build))
                    print(f"  run {turn + 1} {daemons.title:9} {_brief(runs[product][-1])}", flush=True)
    return {"name": name, **dataclasses.asdict(case), "scheduling": scheduling, "runs": runs}


def _run_once(asked, case, daemons, build):
    with daemons:
        options = ["--members", case.nodes, "--senders", case.senders, "--bytes", case.bytes]
        options += ["--count", asked.count] if asked.count else ["--seconds", asked.seconds]
        options += ["--wait-us", asked.wait_us, "--limit", LIMIT_SECONDS]
        options += ["--safe"] * asked.safe + ["--whole"] * asked.whole
        members = []
        used_before, others = daemons.processor_seconds(), OthersWatch(daemons.processor_seconds)
        try:
            for host in daemons.network.hosts:
                role = case.role if host <= case.senders else "listen"
                members.append(daemons.client(f"member-{host}", host, [build / "bench/member", role, *options]))
            for each in members:
                each.wait(2 * LIMIT_SECONDS + asked.seconds)
            daemons.check()
        finally:
            for each in members:
                each.stop()
        used, others_used = daemons.processor_seconds() - used_before, others.processors()
        told = [json.loads(each.output.read_text()) for each in members]
        _compare(case, daemons, told)
        result = {
            # What the group gets is what its slowest member gets.
            "messages_per_second": min(each["rate"] for each in told),
            "received": told[0]["received"],
            "refused": sum(each["refused"] for each in told),
            "daemon_us_per_delivery": used / max(told[0]["received"], 1) / case.nodes * 1e6,
            "daemon_peak_mb": daemons.peak_memory_mb(),
            "others_processors": others_used,
        }
        if case.role == "ping":
            result["latency_us"] = told[0]["latency_us"]
        return result


def _compare(case, daemons, told):
    """All members had everything that was sent, in one order."""
    sent = {str(each["id"]): each["sent"] for each in told[: case.senders]}
    for each in told:
        if each["counts"] != sent:
            raise Failure(f"{daemons.name}: member {each['id']} received {each['counts']} of {sent} messages")
        if each["digest"] != told[0]["digest"]:
            raise Failure(f"{daemons.name}: members {told[0]['id']} and {each['id']} saw different orders")
    if sum(sent.values()) == 0:
        raise Failure(f"{daemons.name}: nothing was sent")


def _brief(result):
    text = f"{report.short(result['messages_per_second']):>9} messages/s"
    if "latency_us" in result:
        text += f", p50 {result['latency_us']['p50']:.0f} us, p99 {result['latency_us']['p99']:.0f} us"
    text += f"; {report.short(result['daemon_us_per_delivery'])} us of a daemon's processor time a message"
    return f"{text}, {result['daemon_peak_mb']:.0f} MB{report.others(result)}"


def _figure(result, product, what):
    """The median of a product's runs; None where there are none."""
    runs = result["runs"].get(product)
    if not runs:
        return None
    return report.median([each["latency_us"][what] if what.startswith("p") else each[what] for each in runs])


def _print(results):
    rows = []
    for each in results:
        kinds = ["p50", "p99"] if each["role"] == "ping" else ["messages_per_second"]
        for kind in kinds:
            ours, theirs = _figure(each, "coterie", kind), _figure(each, "corosync", kind)
            ratio = "-"
            if ours and theirs:
                ratio = f"{theirs / ours:.1f}x lower" if each["role"] == "ping" else f"{ours / theirs:.1f}x"
            unit = "messages/s"
            if each["role"] == "ping":
                unit = f"us {kind}"
            elif each["bytes"] >= 1_000:
                unit = "MB/s"
                ours, theirs = (figure and figure * each["bytes"] / 1e6 for figure in (ours, theirs))
            rows.append([each["title"], each["scheduling"], unit, report.short(ours), report.short(theirs), ratio])
    print()
    print(report.table(["work", "scheduling", "", "Coterie", "Corosync", "ratio"], rows))
    print("\nEvery member delivered every message, all in the same order.")
    report.warn_of_others([run for each in results for product in each["runs"].values() for run in product])


def picture(content):
    """How many times better than Corosync; where only one of the two was measured, its figures."""
    both = [each for each in content["cases"] if len(each["runs"]) == 2]
    groups = []
    for each in both:
        kinds = _LATENCIES if each["role"] == "ping" else _RATES
        entries = []
        for kind, name in kinds:
            ours, theirs = _figure(each, "coterie", kind), _figure(each, "corosync", kind)
            entries.append((name, theirs / ours if each["role"] == "ping" else ours / theirs))
        groups.append((f"{each['title']}, {each['scheduling']}", entries))
    if groups:
        return report.bars("Coterie against Corosync, medians", "times Corosync", groups)
    for each in content["cases"]:
        kinds = _LATENCIES if each["role"] == "ping" else _RATES
        (product,) = each["runs"]
        entries = [(f"{product}, {name}", _figure(each, product, kind)) for kind, name in kinds]
        groups.append((f"{each['title']}, {each['scheduling']}", entries))
    return report.bars("What every member delivers, medians", "messages/s or us", groups, logarithmic=True)


_RATES = (("messages_per_second", "messages a second"),)
_LATENCIES = (("p50", "latency p50, times lower"), ("p99", "latency p99, times lower"))

# SPDX-License-Identifier: BSD-3-Clause
"""What a quiet client of a daemon has to wait, from its send to its own delivery, while others flood the same daemon from
groups of their own as fast as they can. Programs that only compute take the floods' place once, to tell what of it is the
processor's and what the daemon's. Once more there is a group beside them whose sender floods and whose receiver has been
stopped, so that it is paused: what that costs the others."""

import contextlib
import json
import os
import signal
import time

from harness import report, svg
from harness.daemons import Coterie
from harness.network import network
from harness.processes import Failure, OthersWatch, Process, processor_seconds

LIMIT_SECONDS = 30


def add_arguments(parser):
    parser.add_argument("--floods", nargs="+", type=int, default=[1, 2, 4], help="how many clients flood")
    parser.add_argument("--nodes", type=int, choices=[1, 3], default=1, help="daemons; the clients are all on the first")
    parser.add_argument("--bytes", type=int, default=100, help="of a message of a flood")
    parser.add_argument("--pause-us", type=int, default=500, help="between two messages of the quiet client")
    parser.add_argument("--seconds", type=float, default=2, help="how long each run measures")
    parser.add_argument("--repeat", type=int, default=5, help="runs of each, of which the median counts")
    parser.add_argument("--scheduling", choices=["ordinary", "realtime", "both"], default="both")
    parser.add_argument("--network", choices=["namespaces", "loopback"], default="namespaces")


def run(asked, build, folder):
    situations = [("alone", 0, 0, False)]
    situations += [(f"{count} computing", 0, count, False) for count in asked.floods[-1:]]
    situations += [(f"{count} flooding", count, 0, False) for count in asked.floods]
    situations += [(f"{count} flooding, a group stuck", count, 0, True) for count in asked.floods[:1]]
    results = []
    with network(asked.network if asked.nodes > 1 else "loopback", asked.nodes) as place:
        for scheduling in ["ordinary", "realtime"] if asked.scheduling == "both" else [asked.scheduling]:
            runs = {title: [] for title, *_ in situations}
            for turn in range(asked.repeat):
                for title, floods, computing, stuck in situations:
                    with Coterie(place, folder, build, scheduling == "realtime") as daemons:
                        runs[title].append(_run_once(asked, daemons, build, folder, floods, computing, stuck))
                    print(f"  {scheduling}, run {turn + 1}, {title}: {_brief(runs[title][-1])}", flush=True)
            results += [
                {"situation": title, "floods": floods, "scheduling": scheduling, "runs": runs[title]}
                for title, floods, *_ in situations
            ]
    _print(results)
    return {"nodes": asked.nodes, "bytes": asked.bytes, "situations": results}


def _stick(stack, daemons, tool, longer):
    """A group whose sender floods, and one member of which stops to take its messages."""
    pair = [tool, "bench", "flood", "--group", "stuck", "--members", 2, *longer]
    receiver = stack.enter_context(daemons.client("stuck-receiver", 1, [*pair, "--listen"]))
    stack.enter_context(daemons.client("stuck-sender", 1, pair))
    time.sleep(0.5)
    os.kill(receiver.pid, signal.SIGSTOP)
    # One that is stopped does not hear that it is to end.
    stack.callback(os.kill, receiver.pid, signal.SIGKILL)
    # Until its group is paused.
    time.sleep(1)


def _run_once(asked, daemons, build, folder, floods, computing, stuck):
    tool = build / "bin/coterie"
    # The floods begin before the quiet client measures and end after it.
    longer = ["--seconds", asked.seconds + 2, "--limit", LIMIT_SECONDS]
    with contextlib.ExitStack() as stack:
        if stuck:
            _stick(stack, daemons, tool, longer)
        loading = []
        others = OthersWatch(lambda: daemons.processor_seconds() + sum(processor_seconds(each.pid) for each in loading))
        flooding = []
        for each in range(1, floods + 1):
            command = [tool, "bench", "flood", "--json", "--group", f"flood-{each}", "--bytes", asked.bytes, *longer]
            flooding.append(stack.enter_context(daemons.client(f"flood-{each}", 1, command)))
        for each in range(1, computing + 1):
            loading.append(stack.enter_context(Process(f"computing-{each}", ["sh", "-c", "while :; do :; done"], folder)))
        command = [tool, "bench", "latency", "--json", "--group", "quiet", "--bytes", 64, "--pause-us", asked.pause_us]
        command += ["--seconds", asked.seconds, "--warm-up", 1, "--limit", LIMIT_SECONDS]
        quiet = stack.enter_context(daemons.client("quiet", 1, command))
        quiet.wait(LIMIT_SECONDS + asked.seconds)
        for each in flooding:
            each.wait(LIMIT_SECONDS + asked.seconds)
        daemons.check()
        others_used = others.processors()
        told = json.loads(quiet.output.read_text())
        rates = [json.loads(each.output.read_text())["messages_per_second"] for each in flooding]
    if told["received"] != told["sent"] or told["sent"] == 0:
        raise Failure(f"the quiet client received {told['received']} of its {told['sent']} messages")
    return {
        "latency_us": told["latency_us"],
        "messages": told["received"],
        "flood_rates": rates,
        "others_processors": others_used,
    }


def _brief(result):
    latency = result["latency_us"]
    text = f"p50 {report.short(latency['p50'])} us, p99 {report.short(latency['p99'])} us"
    if result["flood_rates"]:
        text += f"; floods {report.short(sum(result['flood_rates']))} messages/s"
    return text + report.others(result)


def _print(results):
    rows = []
    for each in results:
        latencies = [
            report.short(report.median([one["latency_us"][kind] for one in each["runs"]]))
            for kind in ("p50", "p99", "p999", "max")
        ]
        rates = [one["flood_rates"] for one in each["runs"]]
        total = report.short(report.median([sum(one) for one in rates])) if each["floods"] else "-"
        share = report.short(report.median([min(one) / max(one) for one in rates])) if each["floods"] > 1 else "-"
        rows.append([each["situation"], each["scheduling"], *latencies, total, share])
    print()
    head = ["quiet client, us", "scheduling", "p50", "p99", "p99.9", "max", "floods, messages/s", "slowest/fastest"]
    print(report.table(head, rows))
    report.warn_of_others([one for each in results for one in each["runs"]])


def picture(content):
    groups = []
    for each in content["situations"]:
        entries = [
            (kind, report.median([one["latency_us"][kind] for one in each["runs"]])) for kind in ("p50", "p99")
        ]
        groups.append((f"{each['situation']}, {each['scheduling']}", entries))
    return svg.bars("A quiet client's message, sent to delivered", "us", groups, report.short, log=True)

# SPDX-License-Identifier: BSD-3-Clause
"""Where the time of one case of the suite goes: a flame graph of all programs by samples (perf), or the instructions of the
first node's daemon for each message, function by function (callgrind)."""

import re
import subprocess
import time

import cases
import works
from harness import flame, report
from harness.daemons import Coterie
from harness.network import network
from harness.processes import Failure, Process
from harness.processes import run as run_command

# Of these the flame graph is. What the network does for them may be done by a thread of the kernel.
OWN = ("coteried", "coterie", "ksoftirqd")
USUAL = "3-nodes/flood/1-senders/100-bytes"


def add_arguments(parser):
    parser.add_argument("--case", default=USUAL, metavar="KEY", help="as in bench/results/results.json")
    parser.add_argument("--tool", choices=["perf", "callgrind"], default="perf", help="samples, or counted instructions")
    parser.add_argument("--seconds", type=float, default=3, help="how long samples are taken")
    parser.add_argument("--count", type=int, default=20_000, help="messages whose instructions are counted")
    parser.add_argument("--top", type=int, default=25, help="functions that are listed")


def run(asked, build, folder):
    chosen = [each for each in cases.all_cases(False) if each.key == asked.case and each.work in ("flood", "latency")]
    if not chosen:
        keys = "\n  ".join(each.key for each in cases.all_cases(False) if each.work in ("flood", "latency"))
        raise Failure(f"there is no case {asked.case}; there are:\n  {keys}")
    results = build / "bench"
    results.mkdir(parents=True, exist_ok=True)
    (_samples if asked.tool == "perf" else _instructions)(asked, chosen[0], build, folder, results)


def _samples(asked, case, build, folder, results):
    cluster = case.cluster
    recorded = folder / "perf.data"
    with network("namespaces", cluster.nodes, cluster.mtu) as place:
        with Coterie(place, folder, build, cluster.realtime, None, cluster.encrypted) as daemons:
            works.form(daemons, build / "bin/coterie", 0, works.LIMIT_SECONDS)
            # Programs are built without frame pointers: the stacks are found by their unwinding tables. Half a second later
            # all clients are connected.
            command = ["perf", "record", "-q", "-F", 997, "-e", "cpu-clock", "-a", "--call-graph", "dwarf,4096", "-o", recorded]
            command += ["sleep", asked.seconds]
            with Process("perf", ["sh", "-c", 'sleep 0.5; exec "$@"', "sh", *command], folder) as recording:
                figures = works.measure(case, daemons, build / "bin/coterie", asked.seconds + 1, 0)
                recording.wait(60)
    lines = run_command("perf", "script", "-i", recorded, "--no-inline", "-F", "comm,ip,sym,dso").splitlines()
    folded = flame.fold(lines)
    everything = sum(folded.values())
    folded = {stack: count for stack, count in folded.items() if stack[0].startswith(OWN)}
    own = sum(folded.values())
    if not own:
        raise Failure("perf took no samples")
    name = case.key.replace("/", "-")
    (results / f"{name}.svg").write_text(flame.draw(folded, case.title))
    rows = [[f"{share:.1%}", program, where] for share, program, where in flame.self_times(folded)[: asked.top]]
    stacks = "".join(f"{';'.join(stack)} {count}\n" for stack, count in sorted(folded.items()))
    (results / f"{name}.folded").write_text(stacks)
    print(report.table(["of the samples", "program", "function"], rows))
    print(f"\n{own} samples, and {everything - own} of other programs, which are left out; meanwhile {figures}")
    print(f"\nFlame graph: {results / name}.svg\nStacks: {results / name}.folded")


def _instructions(asked, case, build, folder, results):
    cluster = case.cluster
    name = f"{case.key.replace('/', '-')}.callgrind"
    written = folder / "callgrind.out"
    with network("namespaces", cluster.nodes, cluster.mtu) as place:
        # Not realtime: what is fifty times slower must not keep the processors from all others.
        daemons = Coterie(place, folder, build, False, None, cluster.encrypted)
        daemons.wrapper = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={written}.%p", "--instr-atstart=no", "-q"]
        with daemons:
            works.form(daemons, build / "bin/coterie", 0, 60)
            first = daemons.processes[1].pid
            _control(daemons, "--instr=on", first)
            begin = time.monotonic()
            received = works.count(case, daemons, build / "bin/coterie", asked.count)
            passed = time.monotonic() - begin
            _control(daemons, "--instr=off", first)
            _control(daemons, "--dump", first)
    (dumped, *_) = sorted(folder.glob(f"callgrind.out.{first}.*")) or [folder / f"callgrind.out.{first}"]
    (results / name).write_bytes(dumped.read_bytes())
    listed = run_command("callgrind_annotate", "--threshold=99", results / name)
    total = int(re.search(r"([\d,]+) \([\d. %]+\)\s+PROGRAM TOTALS", listed)[1].replace(",", ""))
    rows = []
    for line in listed.splitlines():
        found = re.match(r"\s*([\d,]+) \(\s*[\d.]+%\)\s+\S*?:(.*?)(?: \[.*\])?$", line)
        if found:
            rows.append([f"{int(found[1].replace(',', '')) / received:,.1f}", flame.short(found[2])])
    print(report.table(["instructions a message", "function, without those it calls"], rows[: asked.top]))
    print(f"\n{total / received:,.0f} instructions a message in the daemon of node 1: {received:,} messages, {passed:.1f} s")
    print(f"\nFor kcachegrind or callgrind_annotate: {results / name}")


def _control(daemons, order, pid):
    """Tells callgrind in that process; it listens at a pipe of its own."""
    asked = subprocess.run(["callgrind_control", order, str(pid)], capture_output=True, text=True, check=False)
    if asked.returncode != 0 or "Error" in asked.stdout + asked.stderr:
        raise Failure(f"`callgrind_control {order} {pid}` failed: {(asked.stderr or asked.stdout).strip()}")
    daemons.check()

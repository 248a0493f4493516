# SPDX-License-Identifier: BSD-3-Clause
"""Many clients of one daemon: how long joins take while they come at a steady pace and somebody asks for the daemon's
status, and what a handle costs the daemon in memory, descriptors and mappings, seen from outside."""

import contextlib
import json
import subprocess
import threading
import time

from harness import report, svg
from harness.daemons import Coterie
from harness.network import network
from harness.processes import Failure, eventually
from harness.processes import run as run_command

STATUS_PACE_SECONDS = 1
LIMIT_SECONDS = 60
SETTLE_SECONDS = 1
TARGETS = {"join_p99_ms": 50, "private_kib_per_handle": 300, "descriptors_per_handle": 1, "maps_per_handle": 4}


def add_arguments(parser):
    parser.add_argument("--processes", type=int, default=1000, help="clients")
    parser.add_argument("--handles", type=int, default=10, help="of each, every one in a group of its own")
    parser.add_argument("--rate", type=float, default=1000, help="joins a second")
    parser.add_argument("--nodes", type=int, choices=[1, 3], default=1, help="daemons; the clients are all on the first")
    parser.add_argument("--repeat", type=int, default=1, help="runs of each, of which the median counts")
    parser.add_argument("--scheduling", choices=["ordinary", "realtime", "both"], default="both")
    parser.add_argument("--network", choices=["namespaces", "loopback"], default="namespaces")


def run(asked, build, folder):
    runs = []
    with network(asked.network if asked.nodes > 1 else "loopback", asked.nodes) as place:
        for scheduling in ["ordinary", "realtime"] if asked.scheduling == "both" else [asked.scheduling]:
            for _ in range(asked.repeat):
                result = _run_once(asked, place, build, folder, scheduling == "realtime")
                runs.append({"scheduling": scheduling, **result})
                print(f"  {scheduling}: {_brief(runs[-1])}", flush=True)
    _print(runs)
    return {"processes": asked.processes, "handles_each": asked.handles, "nodes": asked.nodes, "runs": runs}


def _run_once(asked, place, build, folder, realtime):
    handles = asked.processes * asked.handles
    descriptors = 4 * handles + 1000
    with Coterie(place, folder, build, realtime, descriptors) as daemons:
        daemon = daemons.processes[1].pid
        # Once before, so that what the daemon allocates for an answer is no part of what handles cost.
        _ask_status(daemons, build)
        # And until the daemon has parted with the one that asked.
        time.sleep(SETTLE_SECONDS)
        before, used_before = _footprint(build, daemon), daemons.processor_seconds()
        command = [build / "bin/coterie", "bench", "crowd", "--json", "--stay", "--processes", asked.processes]
        command += ["--handles", asked.handles, "--rate", asked.rate, "--limit", LIMIT_SECONDS]
        with daemons.client("crowd", 1, command) as crowd, _StatusWatch(daemons, build) as watch:
            limit = handles / asked.rate + 2 * LIMIT_SECONDS
            if not eventually(lambda: "\n" in crowd.output.read_text() or not crowd.running(), limit, 0.1):
                raise Failure(f"the crowd did not come together\n{crowd.said()}")
            if not crowd.running():
                crowd.wait(1)
            used = daemons.processor_seconds() - used_before
            # What the daemon keeps, not what a burst has left.
            time.sleep(SETTLE_SECONDS)
            daemons.check()
            watch.stop()
            after = _footprint(build, daemon)
            status = _ask_status(daemons, build)
            if status["groups"]["count"] != handles or status["groups"]["joins"] != handles:
                raise Failure(f"the daemon knows {status['groups']['count']} groups where there are {handles}")
            crowd.stop(LIMIT_SECONDS)
            crowd.wait(1)
            told = [json.loads(line) for line in crowd.output.read_text().splitlines()]
        time.sleep(SETTLE_SECONDS)
        emptied = _footprint(build, daemon)
        daemons.check()
    return {
        "joins_per_second": told[0]["joins_per_second"],
        "join_ms": _milliseconds(told[0]["join_us"]),
        "connect_ms": _milliseconds(told[0]["connect_us"]),
        "leave_ms": _milliseconds(told[1]["leave_us"]),
        "seconds_until_all_left": told[1]["seconds_until_all_left"],
        "status_ms": watch.times(),
        "daemon_us_per_join": used / handles / len(place.hosts) * 1e6,
        "per_handle": {key: (after[key] - before[key]) / handles for key in before},
        "per_handle_after_leaving": {key: (emptied[key] - before[key]) / handles for key in before},
    }


def _footprint(build, pid):
    """What a process has: KiB of memory of several kinds, descriptors, mappings."""
    told = json.loads(run_command(build / "bin/coterie", "bench", "idle", "--json", "--seconds", 0, "--pid", pid))
    return {key: told[key] for key in ("rss_kib", "pss_kib", "shared_kib", "private_kib", "descriptors", "maps")}


def _milliseconds(times):
    """A distribution as `coterie bench` tells it, in milliseconds."""
    return {key: times[key] / 1e3 for key in ("p50", "p99", "p999", "max")}


def _ask_status(daemons, build):
    command = [*daemons.network.inside(1), build / "bin/coterie", "status", "--json", "--socket", daemons.socket(1)]
    asked = subprocess.run(command, capture_output=True, text=True, check=False, env=None)
    if asked.returncode != 0:
        raise Failure(f"`coterie status --json` failed: {asked.stderr.strip()}")
    return json.loads(asked.stdout)


class _StatusWatch:
    """Runs `coterie status --json` once a second and notes how long the whole command takes."""

    def __init__(self, daemons, build):
        self._daemons, self._build = daemons, build
        self._took_ms, self._fault = [], None
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._ending.set()
        self._thread.join()

    def _watch(self):
        while not self._ending.wait(STATUS_PACE_SECONDS):
            begin = time.monotonic()
            try:
                _ask_status(self._daemons, self._build)
            except (Failure, ValueError) as fault:
                self._fault = fault
                return
            self._took_ms.append((time.monotonic() - begin) * 1e3)

    def stop(self):
        self.__exit__()
        if self._fault:
            raise Failure(f"while the crowd joined: {self._fault}")

    def times(self):
        took = sorted(self._took_ms)
        return {"count": len(took), "p50": report.median(took), "max": took[-1]} if took else {"count": 0}


def _brief(result):
    per = result["per_handle"]
    return (
        f"{report.short(result['joins_per_second'])} joins/s, p50 {report.short(result['join_ms']['p50'])} ms, "
        f"p99 {report.short(result['join_ms']['p99'])} ms; {report.short(per['private_kib'])} KiB, "
        f"{per['descriptors']:.2f} descriptors, {per['maps']:.2f} maps a handle"
    )


def _print(runs):
    rows = []
    for scheduling in dict.fromkeys(each["scheduling"] for each in runs):
        chosen = [each for each in runs if each["scheduling"] == scheduling]

        def row(title, of, target="", these=chosen, scheduling=scheduling):
            rows.append([title, scheduling, report.short(report.median([of(each) for each in these])), target])

        row("joins a second", lambda r: r["joins_per_second"])
        row("join p50, ms", lambda r: r["join_ms"]["p50"])
        row("join p99, ms", lambda r: r["join_ms"]["p99"], f"< {TARGETS['join_p99_ms']}")
        row("join max, ms", lambda r: r["join_ms"]["max"])
        row("connect p50, ms", lambda r: r["connect_ms"]["p50"])
        row("connect p99, ms", lambda r: r["connect_ms"]["p99"])
        row("leave p99, all at once, ms", lambda r: r["leave_ms"]["p99"])
        with contextlib.suppress(KeyError):
            row("coterie status --json p50, ms", lambda r: r["status_ms"]["p50"])
            row("coterie status --json max, ms", lambda r: r["status_ms"]["max"])
        row("daemon's processor time a join, us", lambda r: r["daemon_us_per_join"])
        own = f"< {TARGETS['private_kib_per_handle']}"
        row("daemon's own memory a handle, KiB", lambda r: r["per_handle"]["private_kib"], own)
        row("shared with clients a handle, KiB", lambda r: r["per_handle"]["shared_kib"])
        row("Pss a handle, KiB", lambda r: r["per_handle"]["pss_kib"])
        row("descriptors a handle", lambda r: r["per_handle"]["descriptors"], TARGETS["descriptors_per_handle"])
        row("maps a handle", lambda r: r["per_handle"]["maps"], f"<= {TARGETS['maps_per_handle']}")
        row("own memory left when all have gone, KiB", lambda r: r["per_handle_after_leaving"]["private_kib"])
        row("descriptors left when all have gone", lambda r: r["per_handle_after_leaving"]["descriptors"])
    print()
    print(report.table(["", "scheduling", "median", "target"], rows))


def picture(content):
    groups = []
    for each in content["runs"]:
        entries = [(kind, each[f"{kind}_ms"]["p99"]) for kind in ("connect", "join")]
        groups.append((f"p99, {each['scheduling']}", entries))
    return svg.bars("Joins at a steady pace", "ms", groups, report.short, log=True)

# SPDX-License-Identifier: BSD-3-Clause
"""How each kind of work is done on a cluster that runs: `coterie bench` on every host, which judges all messages itself and
fails if one is lost, doubled, altered or out of order, or if members saw different orders."""

import contextlib
import json
import os
import signal
import threading
import time

from harness.processes import Failure, OthersWatch, eventually

LIMIT_SECONDS = 20
# A cluster that has just changed is given this long before the next deed; then some more, another time in each run, since
# what is sent at a fixed pace is in another phase then.
REST_SECONDS = 1.5
PHASE_SECONDS = 0.037
# Between a case and the next, so that what one leaves behind is no part of the other.
SETTLE_SECONDS = 0.1


def measure(case, daemons, tool, seconds, turn):
    """The figures of one run of a case, as results.json has them. `tool`: the `coterie` program."""
    time.sleep(SETTLE_SECONDS)
    daemons.forget_peaks()
    used_before, others = daemons.processor_seconds(), OthersWatch(daemons.processor_seconds)
    if case.work in ("flood", "latency"):
        with _slowed(daemons) if case.cluster.slow else contextlib.nullcontext():
            result = _members(case, daemons, tool, seconds)
        used = daemons.processor_seconds() - used_before
        result["daemon_us_per_delivery"] = used / max(result["received"], 1) / case.cluster.nodes * 1e6
        result["daemon_peak_mib"] = daemons.peak_memory_mib()
    elif case.work == "joins":
        result = _joins(daemons, tool, seconds)
    elif case.work == "idle":
        result = _idle(daemons, tool, max(seconds, 2))
    else:
        deed = _unplugged if case.work == "unplugged" else _killed
        result = deed(daemons, tool, REST_SECONDS + PHASE_SECONDS * turn)
    daemons.check(but=daemons.killed)
    result["others_processors"] = round(others.processors(), 2)
    return result


@contextlib.contextmanager
def clients(daemons, started):
    """Some clients, which end at the latest with the context."""
    try:
        yield started
    finally:
        for each in started:
            each.stop()


def _on_every_host(daemons, command_of, seconds):
    """Runs a command on each host at the same time; what each prints as JSON."""
    started = [daemons.client(f"member-{host}", host, command_of(host)) for host in daemons.network.hosts]
    with clients(daemons, started):
        for each in started:
            each.wait(3 * LIMIT_SECONDS + seconds)
        return [json.loads(each.output.read_text()) for each in started]


def count(case, daemons, tool, messages):
    """So many messages of each sender, instead of a time; how many each member received."""
    return _members(case, daemons, tool, 0, ["--count", messages])["received"]


def _members(case, daemons, tool, seconds, how_many=()):
    mode = "latency" if case.work == "latency" else "flood"
    options = ["--json", "--members", case.cluster.nodes, "--senders", case.senders, "--bytes", case.bytes]
    options += how_many or ["--seconds", seconds, "--warm-up", min(0.5, seconds / 3)]
    options += ["--limit", LIMIT_SECONDS]
    options += ["--rate", case.rate] if case.rate else []
    options += ["--groups", case.groups] if case.groups > 1 else []

    def command(host):
        return [tool, "bench", mode, *options, *(["--listen"] if host > case.senders else [])]

    told = _on_every_host(daemons, command, seconds)
    # The members have compared all this among themselves; here it is seen that they all did.
    if len({(each["received"], each["digest"]) for each in told}) != 1 or told[0]["received"] == 0:
        raise Failure(f"{daemons.name}: the members report different counts or orders: {told}")
    if case.work == "latency":
        return {"latency_us": told[0]["latency_us"], "received": told[0]["received"]}
    return {
        "messages_per_second": told[0]["slowest_messages_per_second"],
        "received": told[0]["received"],
        "refused": sum(each["refused"] for each in told),
    }


@contextlib.contextmanager
def _slowed(daemons):
    """The last daemon is stopped for nine milliseconds of ten."""
    pid, ending = daemons.pid(daemons.network.hosts[-1]), threading.Event()

    def hold_up():
        while not ending.wait(0.001):
            os.kill(pid, signal.SIGSTOP)
            time.sleep(0.009)
            os.kill(pid, signal.SIGCONT)

    holding = threading.Thread(target=hold_up)
    holding.start()
    try:
        yield
    finally:
        ending.set()
        holding.join()


def _joins(daemons, tool, seconds):
    options = ["--json", "--handles", 10, "--seconds", seconds, "--limit", LIMIT_SECONDS]

    def command(host):
        # Groups of its own: who has asked Corosync to be let in is told of others before it is in.
        return [tool, "bench", "joins", "--group", f"of-{host}", *options]

    told = _on_every_host(daemons, command, seconds)
    return {"joins_per_second": sum(each["joins_per_second"] for each in told), "join_us": told[0]["join_us"]}


def _idle(daemons, tool, seconds):
    def command(host):
        return [tool, "bench", "idle", "--json", "--pid", daemons.pid(host), "--seconds", seconds]

    told = _on_every_host(daemons, command, seconds)
    return {
        "core_percent": max(each["core_percent"] for each in told),
        "wakeups_per_second": max(each["wakeups_per_second"] for each in told),
        "rss_mib": max(each["rss_kib"] for each in told) / 1024,
        "private_mib": max(each["private_kib"] for each in told) / 1024,
    }


class Watchers:
    """A client on each host, and what it has been told."""

    def __init__(self, daemons, tool, limit=LIMIT_SECONDS):
        self._limit = limit
        self._clients = {
            host: daemons.client(f"watch-{host}", host, [tool, "bench", "watch", "--group", "watch", "--limit", limit])
            for host in daemons.network.hosts
        }

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for each in self._clients.values():
            each.stop()

    def _told(self, host, what, nodes, since):
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
                    times[host] = self._told(host, what, nodes, since)
            return all(times.values())

        if not eventually(complete, self._limit, 0.01):
            missing = [host for host in hosts if not times[host]]
            raise Failure(f"the clients on {missing} were not told of {what} {sorted(nodes)} within {self._limit} s")
        return (max(times.values()) - since) / 1e6


def form(daemons, tool, begin, limit):
    """Milliseconds from `begin` until a client on each host has been told of the ring of all."""
    everybody = list(daemons.network.hosts)
    with Watchers(daemons, tool, limit) as watchers:
        return watchers.all_told(everybody, "ring", everybody, begin)


def _unplugged(daemons, tool, rest_seconds):
    """Its cable out and in again, and the time until the last client concerned has been told."""
    place = daemons.network
    everybody, last = list(place.hosts), place.hosts[-1]
    others = everybody[:-1]
    with Watchers(daemons, tool) as watchers:
        watchers.all_told(everybody, "group", everybody, 0)
        time.sleep(rest_seconds)
        begin = time.monotonic_ns()
        place.unplug(last)
        vanished = watchers.all_told(others, "group", others, begin)
        time.sleep(rest_seconds)
        begin = time.monotonic_ns()
        place.plug_in(last)
        return {"vanished_ms": vanished, "back_ms": watchers.all_told(everybody, "group", everybody, begin)}


def _killed(daemons, tool, rest_seconds):
    """The same of a daemon's end by kill -9. It is the last thing done with a cluster."""
    everybody, last = list(daemons.network.hosts), daemons.network.hosts[-1]
    others = everybody[:-1]
    with Watchers(daemons, tool) as watchers:
        watchers.all_told(everybody, "group", everybody, 0)
        time.sleep(rest_seconds)
        daemons.killed.add(last)
        begin = time.monotonic_ns()
        os.kill(daemons.pid(last), signal.SIGKILL)
        return {"killed_ms": watchers.all_told(others, "group", others, begin)}

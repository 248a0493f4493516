# SPDX-License-Identifier: BSD-3-Clause
"""The figures of results.json as tables: against what is wanted, and all of them with their spread."""

import math

from cases import NODES
from harness import report
from targets import ENCRYPTED_AIM, TARGETS


PRODUCTS = (("coterie", "Coterie"), ("corosync", "Corosync"))


def values(content, key, figure, product):
    """That figure of all runs of a product."""
    runs = content["cases"].get(key, {"runs": {}})["runs"].get(product, [])
    found = []
    for each in runs:
        for part in figure.split("."):
            each = each[part]
        found.append(each)
    return found


def median(content, key, figure, product):
    """None where there are no runs."""
    found = values(content, key, figure, product)
    return report.median(found) if found else None


def brief(work, count, result):
    """One run in a few words."""
    if work == "flood":
        text = f"{report.short(result['messages_per_second'])} messages/s"
        return text + (f", {report.short(result['messages_per_second'] * count / 1e6)} MB/s" if count >= 1_000 else "")
    if work == "latency":
        return f"p50 {report.short(result['latency_us']['p50'])} us, p99 {report.short(result['latency_us']['p99'])} us"
    if work == "joins":
        return f"{report.short(result['joins_per_second'])} joins/s"
    if work == "idle":
        return f"{result['core_percent']:.2f} % of a core, {result['rss_mib']:.0f} MiB"
    return ", ".join(f"{report.short(result[figure])} {unit}" for figure, unit in FIGURES[work])


def _down(value, places=1):
    """Cut off, not rounded: 9.97 is no 10.0."""
    return f"{math.floor(value * 10**places) / 10**places:,.{places}f}"


def judged(target, content):
    """A row: work, Coterie, Corosync, how they compare, at least, aim, verdict."""
    ours = median(content, target.case, target.figure, "coterie")
    theirs = median(content, target.case, target.figure, "corosync")
    why_not = content["cases"].get(target.case, {"why_not": {}})["why_not"]

    def shown(value, product):
        if value is None:
            return why_not.get(product, "not measured")
        if target.per_byte:
            value = value * content["cases"][target.case]["bytes"] / 1e6
        return f"{report.short(value)} {target.unit}"

    aim = target.aim
    reached = ours
    if target.ratio:
        reached = None
        if ours and theirs:
            reached = ours / theirs if target.higher_is_better else theirs / ours
    sign = "×" if target.ratio else f" {target.unit}"
    wanted = [f"{each:g}{sign}" if target.ratio else f"< {each:,g}{sign}" for each in (target.least, aim) if each]
    if aim is None:
        # Of its own plain figure.
        plain = median(content, target.case.replace("-encrypted", ""), target.figure, "coterie")
        wanted.append(f"{ENCRYPTED_AIM:.0%} of plain")
        aim = math.inf if not plain or not theirs else ENCRYPTED_AIM * plain / theirs
    return [
        target.title,
        shown(ours, "coterie"),
        shown(theirs, "corosync"),
        _down(reached) + "×" + ("" if target.higher_is_better else " lower") if target.ratio and reached else "",
        *wanted,
        _verdict(target, reached, target.least, aim),
    ]


def _verdict(target, reached, least, aim):
    if reached is None:
        return "not measured"

    def met(wanted):
        return reached >= wanted if target.ratio else reached < wanted

    return "aim met" if met(aim) else "met" if met(least) else "MISSED"


HEAD = ["work", "Coterie", "Corosync", "", "at least", "aim", ""]


def text(content):
    """What is wanted, for a terminal."""
    return report.table(HEAD, [judged(each, content) for each in TARGETS])


def markdown(content):
    """What is wanted, and every case."""
    machine = content["machine"]
    lines = [
        "# Coterie beside Corosync",
        "",
        f"Written by `./dev bench` on {machine['date']}: {machine['processor']}, {machine['cores']} cores, Linux "
        f"{machine['kernel']}, {machine['system']}; Corosync {content['corosync'] or 'not measured'}. Medians; what is "
        "measured, and how to read it, is in [docs/benchmarks.md](../../docs/benchmarks.md).",
        "",
        "## What is wanted",
        "",
        *_rows(["work", "Coterie", "Corosync", "ratio", "at least", "aim", ""], [judged(each, content) for each in TARGETS]),
        "",
        "Ratios are cut off, not rounded. Every figure is of runs in which every member received every message whole, once and "
        "in the same order.",
        "",
        "## Cost by nodes",
        "",
        "Microseconds of a daemon's processor for each message that is delivered on its node: one sender of 100 B. A message goes to "
        "every node, so where this stays the same the cost of a message is linear in its receivers.",
        "",
        *_rows(["nodes", *map(str, NODES)], [_cost(content, *each) for each in PRODUCTS]),
        "",
        "## Every case",
        "",
        "Medians, and in brackets the lowest and the highest run.",
        "",
        *_rows(["case", "", "Coterie", "Corosync"], [row for each in content["cases"].items() for row in _case(*each)]),
    ]
    return "\n".join(lines) + "\n"


def _cost(content, product, name):
    found = [median(content, f"{n}-nodes/flood/1-senders/100-bytes", "daemon_us_per_delivery", product) for n in NODES]
    return [name, *map(report.short, found)]


def _rows(head, rows):
    lines = [f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
    return lines + [f"| {' | '.join(row)} |" for row in rows]


FIGURES = {
    "form": [("ms", "ms")],
    "joins": [("joins_per_second", "joins/s"), ("join_us.p99", "us, p99")],
    "idle": [("core_percent", "% of a core"), ("rss_mib", "MiB")],
    "unplugged": [("vanished_ms", "ms, vanished"), ("back_ms", "ms, back")],
    "killed": [("killed_ms", "ms")],
    "latency": [("latency_us.p50", "us, p50"), ("latency_us.p99", "us, p99"), ("latency_us.p999", "us, p99.9")],
    "flood": [("messages_per_second", "messages/s")],
}


def _case(key, case):
    """Its rows: one for each figure."""
    figures = list(FIGURES[case["work"]])
    scale = 1.0
    if case["work"] == "flood":
        if case["bytes"] >= 1_000:
            scale, figures = case["bytes"] / 1e6, [("messages_per_second", "MB/s")]
        figures.append(("daemon_us_per_delivery", "us of a daemon a delivery"))
    rows = []
    for figure, unit in figures:
        row = [case["title"] if not rows else "", unit]
        for product in ("coterie", "corosync"):
            found = values({"cases": {key: case}}, key, figure, product)
            factor = scale if figure == "messages_per_second" else 1.0
            if found:
                spread = f" ({report.short(min(found) * factor)} to {report.short(max(found) * factor)})"
                row.append(report.short(report.median(found) * factor) + (spread if len(found) > 1 else ""))
            else:
                row.append(case["why_not"].get(product, "not measured"))
        rows.append(row)
    return rows

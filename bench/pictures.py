# SPDX-License-Identifier: BSD-3-Clause
"""The pictures that the README shows, of the figures in results.json."""

import math

import cases
import tables
from harness import report, svg


def of(content):
    """{name: SVG}; one for which there are no figures is left out."""
    made = {
        "throughput": throughput(content),
        "latency": latency(content),
        "nodes": by_nodes(content),
        "told": told(content),
    }
    return {name: text for name, text in made.items() if text}


def _rate(content, key, product):
    return tables.median(content, key, "messages_per_second", product)


def throughput(content):
    """Megabytes a second at each member by the size of a message, one sender."""
    series = []
    for nodes, dashed in ((3, False), (1, True)):
        for colour, (product, name) in enumerate(tables.PRODUCTS):
            points = []
            for each in sorted({case["bytes"] for case in content["cases"].values()}):
                rate = _rate(content, f"{nodes}-nodes/flood/1-senders/{each}-bytes", product)
                if rate:
                    points.append((each, rate * each / 1e6))
            if points:
                series.append(svg.Series(f"{name}, {nodes} node{'s' * (nodes > 1)}", points, colour, dashed))
    values = [y for each in series for _, y in each.points]
    if not values:
        return None
    sizes = [x for each in series for x, _ in each.points]
    ticks = [(each, cases.size(each)) for each in sorted({s for s in sizes if s in cases.SIZES})]
    x_axis = svg.Axis(min(sizes), max(sizes) + 1, ticks, math.log10) if len(set(sizes)) > 1 else None
    if x_axis is None:
        return None
    y_axis = svg.logarithmic(values, lambda value: f"{value:,.0f}" if value >= 1 else f"{value:g}")
    body = svg.legend(series, 54)
    box = (70, 116, svg.WIDTH - 40, 396)
    body += svg.lines(box, x_axis, y_axis, series, "size of a message, logarithmic", "MB/s at every member, logarithmic")
    return svg.page(446, "Throughput by size of a message, one sender", body)


def _nines(part):
    """Percentiles, each nine as long as the one before: 0.9, 0.99, 0.999."""
    return -math.log10(1 - part)


def latency(content):
    """How long messages take, by percentile, three nodes."""
    series = []
    for pace, words, dashed in (("one-at-a-time", "one at a time", False), ("1000-a-second", "1,000 a second", True)):
        for colour, (product, name) in enumerate(tables.PRODUCTS):
            curves = tables.values(content, f"3-nodes/latency/{pace}", "latency_us.curve", product)
            if curves:
                points = []
                for at, (part, _) in enumerate(curves[0]):
                    if 0 < part <= 0.9999:
                        points.append((part, max(report.median([curve[at][1] for curve in curves]), 0.1)))
                series.append(svg.Series(f"{name}, {words}", points, colour, dashed))
    values = [y for each in series for _, y in each.points]
    if not values:
        return None
    parts = ((0.5, "50 %"), (0.9, "90 %"), (0.99, "99 %"), (0.999, "99.9 %"), (0.9999, "99.99 %"))
    x_axis = svg.Axis(0.05, 0.9999, parts, _nines)
    y_axis = svg.logarithmic(values, lambda us: f"{us:,.0f} µs" if us < 1000 else f"{us / 1000:,.0f} ms")
    body = svg.legend(series, 54)
    box = (70, 116, svg.WIDTH - 40, 396)
    body += svg.lines(box, x_axis, y_axis, series, "part of all messages that take no longer", "from sending to the own delivery, logarithmic")
    return svg.page(446, "Latency of 64 bytes, three nodes", body)


def by_nodes(content):
    """What another node costs: rate and latency side by side."""
    rates, latencies = [], []
    for colour, (product, name) in enumerate(tables.PRODUCTS):
        for found, suffix, figure in (
            (rates, "flood/1-senders/100-bytes", "messages_per_second"),
            (latencies, "latency/one-at-a-time", "latency_us.p50"),
        ):
            points = [(n, tables.median(content, f"{n}-nodes/{suffix}", figure, product)) for n in cases.NODES]
            found.append(svg.Series(name, [(n, value) for n, value in points if value], colour))
    if not all(any(each.points for each in found) for found in (rates, latencies)):
        return None
    x_axis = svg.Axis(1, 16, [(n, str(n)) for n in cases.NODES], math.log2)
    body = svg.legend(rates, 54)
    middle = svg.WIDTH / 2
    for found, left, title, words in (
        (rates, 90, "messages/s at every member, 100 B, one sender", lambda value: f"{value:,.0f}"),
        (latencies, middle + 70, "latency, p50, 64 B one at a time", lambda us: f"{us:,.0f} µs" if us < 1000 else f"{us / 1000:,.0f} ms"),
    ):
        y_axis = svg.logarithmic([y for each in found for _, y in each.points], words)
        body += svg.lines((left, 100, left + middle - 110, 340), x_axis, y_axis, found, "nodes", title)
    return svg.page(390, "Cost by nodes", body)


TOLD = (
    ("3-nodes-realtime/killed", "killed_ms", "a daemon is killed"),
    ("3-nodes-realtime/unplugged", "vanished_ms", "a machine vanishes"),
    ("3-nodes-realtime/unplugged", "back_ms", "it is back, all in one view"),
    ("16-nodes/form", "ms", "16 daemons started at once form a view"),
)


def told(content):
    """Until the last client has been told."""
    groups = []
    for key, figure, label in TOLD:
        found = [(name, tables.median(content, key, figure, product)) for product, name in tables.PRODUCTS]
        entries = [(name, value) for name, value in found if value]
        if entries:
            groups.append((label, entries))
    if not groups:
        return None
    return svg.bars("Until every client has been told", "ms", groups, report.short, log=True)

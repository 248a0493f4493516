# SPDX-License-Identifier: BSD-3-Clause
"""Figures as tables, as JSON and as pictures."""

import datetime
import html
import json
import math
import os
import pathlib
import platform
import statistics
import subprocess


def machine():
    """What a figure depends on."""
    processor = "unknown"
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            processor = line.partition(":")[2].strip()
            break
    release = {}
    for line in pathlib.Path("/etc/os-release").read_text().splitlines():
        key, _, value = line.partition("=")
        release[key] = value.strip('"')
    revision = subprocess.run(
        ["git", "-C", pathlib.Path(__file__).parent, "describe", "--always", "--dirty"],
        capture_output=True,
        text=True,
        check=False,
    ).stdout.strip()
    return {
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "processor": processor,
        "cores": os.cpu_count(),
        "kernel": platform.release(),
        "system": release.get("PRETTY_NAME", "unknown"),
        "revision": revision or "unknown",
        "load_before": round(os.getloadavg()[0], 1),
    }


def median(values):
    return statistics.median(values)


def short(value, digits=3):
    """Three digits that matter, thousands apart: 182,000 or 4.71."""
    if value is None:
        return "-"
    if value == 0:
        return "0"
    places = digits - 1 - math.floor(math.log10(abs(value)))
    return f"{round(value, places):,.{max(places, 0)}f}"


def table(head, rows):
    """Lines of text; the first column is to the left, figures are to the right."""
    rows = [[str(each) for each in row] for row in [head, *rows]]
    widths = [max(len(row[i]) for row in rows) for i in range(len(head))]
    lines = []
    for row in rows:
        cells = [row[0].ljust(widths[0])] + [cell.rjust(width) for cell, width in zip(row[1:], widths[1:])]
        lines.append("  ".join(cells).rstrip())
    lines.insert(1, "-" * len(max(lines, key=len)))
    return "\n".join(lines)


def others(result):
    """What to say about a run while other programs ran."""
    return f"; {result['others_processors']:.1f} processors busy with others" if result["others_processors"] > 0.1 else ""


def warn_of_others(runs):
    """Tells when others kept the processors busy in most runs."""
    processors = [each["others_processors"] for each in runs]
    if median(processors) > 0.1:
        print(
            f"\nOther programs kept {median(processors):.1f} of {os.cpu_count()} processors busy meanwhile: figures are "
            "lower than they could be,\nand ratios of products that need the processors to different degrees are not "
            "those of a quiet machine."
        )


def write_json(file, content):
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(content, indent=1) + "\n")


COLOURS = ("#2f6f9f", "#c8843c", "#5b8f52", "#8a6aa8")


def bars(title, unit, groups, logarithmic=False):
    """An SVG of horizontal bars: groups is [(label, [(name, value), ...]), ...]."""
    names = list(dict.fromkeys(name for _, entries in groups for name, _ in entries))
    colour = {name: COLOURS[i % len(COLOURS)] for i, name in enumerate(names)}
    left, right, bar, top = 290, 90, 16, 58
    width, span = 860, 860 - left - right
    highest = max(value for _, entries in groups for _, value in entries) or 1
    lowest = min(value for _, entries in groups for _, value in entries if value > 0)

    def length(value):
        if not logarithmic:
            return span * value / highest
        floor, ceiling = _decade_below(lowest), _decade_below(highest) * 10
        return span * max(0.0, math.log10(value / floor) / math.log10(ceiling / floor))

    height = top + sum(len(entries) * bar + 14 for _, entries in groups) + 16
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        'font-family="DejaVu Sans, Helvetica, Arial, sans-serif" font-size="12" fill="#222">',
        "<!-- SPDX-License-Identifier: BSD-3-Clause -->",
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
        f'<text x="14" y="22" font-size="15" font-weight="bold">{html.escape(title)}</text>',
    ]
    at = 14
    for name in names:
        out.append(f'<rect x="{at}" y="34" width="11" height="11" fill="{colour[name]}"/>')
        out.append(f'<text x="{at + 16}" y="44">{html.escape(name)}</text>')
        at += 34 + 7 * len(name)
    scale = unit + (", logarithmic scale" if logarithmic else "")
    out.append(f'<text x="{width - 14}" y="44" text-anchor="end" fill="#666">{html.escape(scale)}</text>')
    y = top
    for label, entries in groups:
        middle = y + len(entries) * bar / 2 + 4
        out.append(f'<text x="{left - 10}" y="{middle:.0f}" text-anchor="end">{html.escape(label)}</text>')
        for name, value in entries:
            long = max(length(value), 1)
            out.append(f'<rect x="{left}" y="{y + 1}" width="{long:.1f}" height="{bar - 3}" fill="{colour[name]}"/>')
            out.append(f'<text x="{left + long + 6:.1f}" y="{y + 12}">{short(value)}</text>')
            y += bar
        y += 14
    out.append(f'<path d="M{left} {top - 4}V{y - 8}" stroke="#888"/>')
    return "\n".join([*out, "</svg>"]) + "\n"


def _decade_below(value):
    return 10 ** math.floor(math.log10(value))

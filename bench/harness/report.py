# SPDX-License-Identifier: BSD-3-Clause
"""Figures as tables and as JSON."""

import datetime
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
    return {
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "processor": processor,
        "cores": os.cpu_count(),
        "kernel": platform.release(),
        "system": release.get("PRETTY_NAME", "unknown"),
        "revision": revision(),
        "load_before": round(os.getloadavg()[0], 1),
    }


def revision():
    """Of what is measured."""
    command = ["git", "-C", pathlib.Path(__file__).parent, "describe", "--always", "--dirty"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip() or "unknown"


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

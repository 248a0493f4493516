# SPDX-License-Identifier: BSD-3-Clause
"""Stacks that a profiler sampled, folded and drawn as a flame graph: who called whom, as wide as it took time."""

import collections
import html
import re

WIDTH = 1200
ROW = 17
# Narrower ones are not drawn.
PIXELS_MIN = 0.4
KERNEL = "_[k]"
# Programs, the kernel, and what is known by neither.
COLOURS = (("kernel", "#d9a441"), ("coteried", "#5b9bd5"), ("client", "#7fb77e"), ("other", "#b0a8b9"))


def fold(lines):
    """`perf script -F comm,ip,sym,dso` as {(program, outermost, ..., innermost): samples}."""
    folded, stack, program = collections.Counter(), [], None
    for line in [*lines, ""]:
        if not line.strip():
            if program is not None and program != "swapper":
                folded[(program, *reversed(stack))] += 1
            stack, program = [], None
        elif not line[0].isspace():
            program = line.split(":")[0].split()[0]
        else:
            words = re.match(r"\s+[0-9a-f]+ (.*) \((.*)\)$", line.rstrip())
            if words:
                name = re.sub(r"\+0x[0-9a-f]+$", "", words[1])
                inside = words[2].startswith("[") and words[2] != "[vdso]"
                stack.append(short(name) + KERNEL * inside)
    return folded


def short(name):
    """Without parameters and template arguments, which make names long."""
    name = re.sub(r"\(anonymous namespace\)", "anonymous", name)
    depth, out = 0, []
    for each in name.replace("operator<", "operator＜").replace("->", "→"):
        if each in "<(":
            depth += 1
        elif each in ">)":
            depth = max(0, depth - 1)
        elif depth == 0:
            out.append(each)
    return "".join(out).replace("coterie::", "").strip() or "?"


def self_times(folded):
    """[(share, program, innermost function)], the largest first."""
    total = sum(folded.values()) or 1
    counts = collections.Counter()
    for stack, count in folded.items():
        counts[(stack[0], stack[-1])] += count
    return [(count / total, *where) for where, count in counts.most_common()]


class _Node:
    def __init__(self):
        self.count, self.children = 0, {}


def draw(folded, title):
    """The SVG. Pointing at a box tells its whole name and share."""
    root = _Node()
    for stack, count in folded.items():
        at = root
        at.count += count
        for name in stack:
            at = at.children.setdefault(name, _Node())
            at.count += count
    depth = max((len(stack) for stack in folded), default=0)
    height = (depth + 1) * ROW + 60
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        'font-family="DejaVu Sans Mono, monospace" font-size="11">',
        "<!-- SPDX-License-Identifier: BSD-3-Clause -->",
        f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>',
        f'<text x="10" y="22" font-size="15" font-weight="bold">{html.escape(title)}</text>',
    ]
    for at, (name, colour) in enumerate(COLOURS):
        out.append(f'<rect x="{WIDTH - 420 + 105 * at}" y="12" width="12" height="12" fill="{colour}"/>')
        out.append(f'<text x="{WIDTH - 403 + 105 * at}" y="22">{name}</text>')
    _boxes(root, 0.0, height - 14 - ROW, root.count or 1, None, out)
    return "\n".join([*out, "</svg>"]) + "\n"


def _boxes(node, x, y, total, program, out):
    for name, child in sorted(node.children.items()):
        width = child.count / total * WIDTH
        owner = program or name
        if width >= PIXELS_MIN:
            kind = "kernel" if name.endswith(KERNEL) else {"coteried": "coteried", "coterie": "client"}.get(owner, "other")
            shown = html.escape(name.removesuffix(KERNEL))
            share = f"{child.count / total:.1%}"
            out.append(
                f'<g><title>{shown}: {share}</title><rect x="{x:.1f}" y="{y}" width="{max(width - 0.4, 0.2):.1f}" '
                f'height="{ROW - 1}" fill="{dict(COLOURS)[kind]}"/>'
            )
            letters = int(width / 6.8)
            if letters >= 4:
                cut = name.removesuffix(KERNEL)
                cut = cut if len(cut) <= letters else cut[: letters - 1] + "…"
                out.append(f'<text x="{x + 3:.1f}" y="{y + 12}">{html.escape(cut)}</text>')
            out.append("</g>")
            _boxes(child, x, y - ROW, total, owner, out)
        x += width

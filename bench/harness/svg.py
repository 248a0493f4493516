# SPDX-License-Identifier: BSD-3-Clause
"""Pictures of figures, drawn by hand as SVG, that can be read on light and on dark pages."""

import html
import math

WIDTH = 860
FONT = 'font-family="DejaVu Sans, Helvetica, Arial, sans-serif"'
STYLE = """<style>
  .page { fill: #ffffff } text { fill: #1f2328 } .faint { fill: #59636e }
  .grid { stroke: #d8dee4 } .axis { stroke: #6e7781 }
  .c0 { --c: #1f6fb4 } .c1 { --c: #c2681a } .c2 { --c: #2f8f4e } .c3 { --c: #8250b8 }
  .line { fill: none; stroke: var(--c); stroke-width: 2.2 } .dot { fill: var(--c) } .bar { fill: var(--c) }
  @media (prefers-color-scheme: dark) {
    .page { fill: #0d1117 } text { fill: #e6edf3 } .faint { fill: #9198a1 }
    .grid { stroke: #2a313a } .axis { stroke: #9198a1 }
    .c0 { --c: #58a6ff } .c1 { --c: #f0a04b } .c2 { --c: #56d07e } .c3 { --c: #c297f5 }
  }
</style>"""


def page(height, title, body, width=WIDTH):
    """A whole file; the title stands above the body."""
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'{FONT} font-size="13">'
    )
    return "\n".join(
        [
            head,
            "<!-- SPDX-License-Identifier: BSD-3-Clause -->",
            STYLE,
            f'<rect class="page" width="{width}" height="{height}"/>',
            text(16, 26, title, size=16, bold=True),
            *body,
            "</svg>",
        ]
    ) + "\n"


def text(x, y, words, anchor="start", size=13, bold=False, faint=False):
    weight = ' font-weight="bold"' if bold else ""
    look = ' class="faint"' if faint else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}"{weight}{look}>{html.escape(words)}</text>'


class Axis:
    """Where values lie between two places; `ticks` are (value, words)."""

    def __init__(self, low, high, ticks, place=lambda value: value):
        self._low, self._high, self._place = place(low), place(high), place
        self.ticks = [(value, words) for value, words in ticks if low <= value <= high]

    def at(self, value, begin, end):
        return begin + (self._place(value) - self._low) / (self._high - self._low) * (end - begin)


def logarithmic(values, words_of, each_step=(1,)):
    """An axis of powers of ten around the values, with ticks at these multiples of them."""
    low = 10 ** math.floor(math.log10(min(values)))
    high = 10 ** math.ceil(math.log10(max(values) * 1.0001))
    decades = range(round(math.log10(low)), round(math.log10(high)) + 1)
    ticks = [(step * 10**decade, words_of(step * 10**decade)) for decade in decades for step in each_step]
    return Axis(low, high, ticks, math.log10)


class Series:
    def __init__(self, name, points, colour, dashed=False):
        self.name, self.points, self.colour, self.dashed = name, points, colour, dashed


def lines(box, x_axis, y_axis, series, x_title, y_title):
    """A chart of lines in the box (left, top, right, bottom)."""
    left, top, right, bottom = box
    out = [text(left - 4, top - 12, y_title, faint=True, size=12, anchor="start")]
    for value, words in y_axis.ticks:
        y = y_axis.at(value, bottom, top)
        out.append(f'<path class="grid" d="M{left} {y:.1f}H{right}"/>')
        out.append(text(left - 8, y + 4, words, anchor="end", size=12))
    for value, words in x_axis.ticks:
        x = x_axis.at(value, left, right)
        out.append(f'<path class="axis" d="M{x:.1f} {bottom}v5"/>')
        out.append(text(x, bottom + 20, words, anchor="middle", size=12))
    out.append(f'<path class="axis" d="M{left} {bottom}H{right}"/>')
    out.append(text((left + right) / 2, bottom + 40, x_title, anchor="middle", faint=True, size=12))
    for each in series:
        points = [(x_axis.at(x, left, right), y_axis.at(y, bottom, top)) for x, y in each.points]
        if not points:
            continue
        path = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
        dash = ' stroke-dasharray="6 4"' if each.dashed else ""
        out.append(f'<g class="c{each.colour}"><path class="line"{dash} d="{path}"/>')
        if len(points) <= 12:
            out += [f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="3.2"/>' for x, y in points]
        out.append("</g>")
    return out


def legend(series, y):
    """The names of lines, in a row, or in two where they are long."""
    out, left = [], 16
    for each in series:
        width = 52 + 7.6 * len(each.name)
        if left + width > WIDTH:
            left, y = 16, y + 22
        dash = ' stroke-dasharray="6 4"' if each.dashed else ""
        out.append(f'<g class="c{each.colour}"><path class="line"{dash} d="M{left:.1f} {y - 4}h26"/></g>')
        out.append(text(left + 32, y, each.name))
        left += width
    return out


def bars(title, unit, groups, words_of, log=False):
    """A file of horizontal bars: groups is [(label, [(name, value), ...]), ...]."""
    names = list(dict.fromkeys(name for _, entries in groups for name, _ in entries))
    found = [value for _, entries in groups for _, value in entries if value > 0] or [1]
    left, right, bar, top = 300, WIDTH - 90, 20, 76
    axis = logarithmic(found, str) if log else Axis(0, max(found), [])
    out, x = [], 16
    for at, name in enumerate(names):
        out.append(f'<g class="c{at % 4}"><rect class="bar" x="{x}" y="44" width="13" height="13"/></g>')
        out.append(text(x + 19, 55, name))
        x += 46 + 7.3 * len(name)
    out.append(text(WIDTH - 16, 55, unit + (", logarithmic scale" if log else ""), anchor="end", faint=True, size=12))
    y = top
    for label, entries in groups:
        out.append(text(left - 12, y + len(entries) * bar / 2 + 4, label, anchor="end"))
        for name, value in entries:
            end = max(axis.at(value, left, right), left + 1) if value > 0 else left + 1
            colour = names.index(name) % 4
            out.append(f'<g class="c{colour}"><rect class="bar" x="{left}" y="{y + 1}" width="{end - left:.1f}" height="{bar - 4}"/></g>')
            out.append(text(end + 6, y + 14, words_of(value), size=12))
            y += bar
        y += 14
    out.append(f'<path class="axis" d="M{left} {top - 6}V{y - 8}"/>')
    return page(y + 6, title, out)

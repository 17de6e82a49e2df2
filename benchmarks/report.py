"""The measurements as Markdown, and as a plot in SVG."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from benchmarks.measuring import TOOL, Row

_COLORS = {"cold": "#c2410c", "warm": "#15803d", "one edit": "#1d4ed8"}
_WIDTH, _HEIGHT, _LEFT, _BOTTOM, _RIGHT, _TOP = 720, 360, 70, 45, 110, 20


def table(rows: Sequence[Row]) -> str:
    return "\n".join(_table(rows)) + "\n"


def _table(rows: Sequence[Row]) -> Iterator[str]:
    yield "| project | lines | tool | | wall | CPU | µs CPU a line | peak memory |"
    yield "| --- | ---: | --- | --- | ---: | ---: | ---: | ---: |"
    for row in rows:
        cost = row.cost
        yield (
            f"| {row.project} | {row.lines:,} | {row.tool} | {row.stage}"
            f" | {cost.wall:.2f} s | {cost.cpu:.2f} s"
            f" | {cost.cpu / row.lines * 1e6:.1f} | {cost.peak / 2**20:.0f} MiB |"
        )


def plot(rows: Sequence[Row]) -> str:
    """CPU seconds against lines, both logarithmic: a straight line at 45° is a constant cost a line."""
    ours = [row for row in rows if row.tool == TOOL]
    xs = [math.log10(row.lines) for row in ours]
    ys = [math.log10(max(row.cost.cpu, 0.01)) for row in ours]
    low_x, high_x = math.floor(min(xs)), math.ceil(max(xs))
    low_y, high_y = math.floor(min(ys)), math.ceil(max(ys))

    def place(lines: float, seconds: float) -> tuple[float, float]:
        x = (math.log10(lines) - low_x) / max(high_x - low_x, 1)
        y = (math.log10(max(seconds, 0.01)) - low_y) / max(high_y - low_y, 1)
        return (
            _LEFT + x * (_WIDTH - _LEFT - _RIGHT),
            _HEIGHT - _BOTTOM - y * (_HEIGHT - _BOTTOM - _TOP),
        )

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif"'
        ' font-size="12"><rect width="100%" height="100%" fill="white"/>'
    ]
    for power in range(low_x, high_x + 1):
        x, y = place(10**power, 10**low_y)
        top = place(10**power, 10**high_y)[1]
        parts.append(f'<path d="M{x:.1f} {y:.1f}V{top:.1f}" stroke="#ddd"/>')
        parts.append(f'<text x="{x:.1f}" y="{y + 18:.1f}" text-anchor="middle">{10**power:,} lines</text>')
    for power in range(low_y, high_y + 1):
        x, y = place(10**low_x, 10**power)
        right = place(10**high_x, 10**power)[0]
        parts.append(f'<path d="M{x:.1f} {y:.1f}H{right:.1f}" stroke="#ddd"/>')
        parts.append(f'<text x="{x - 8:.1f}" y="{y + 4:.1f}" text-anchor="end">{10.0**power:g} s</text>')
    for stage, color in _COLORS.items():
        points = sorted((row.lines, row.cost.cpu) for row in ours if row.stage == stage)
        if not points:
            continue
        placed = [place(*point) for point in points]
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y in placed)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{color}" stroke-width="2"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{color}"/>' for x, y in placed]
        x, y = placed[-1]
        parts.append(f'<text x="{x + 8:.1f}" y="{y + 4:.1f}" fill="{color}">{stage}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"

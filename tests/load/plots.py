"""Plots as SVG, drawn by ourselves: no script, no style that a policy would have to let in, colours by class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from math import isfinite, log10

WIDTH, HEIGHT = 520, 200
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 12, 12, 26
Points = Sequence[Sequence[float]]


def steps(most: float) -> list[float]:
    """Three to six round numbers from 0 to at least `most`."""
    if most <= 0:
        return [0.0, 1.0]
    size = 10 ** int(log10(most) // 1)
    step = next(size * part for part in (0.2, 0.5, 1.0, 2.0, 5.0) if most / (size * part) <= 5)
    return [round(step * number, 10) for number in range(int(-(-most // step)) + 1)]


def figure(value: float) -> str:
    """Three significant digits, thousands apart."""
    if value == 0 or not isfinite(value):
        return "0" if value == 0 else "–"  # noqa: RUF001  # nothing was measured
    digits = max(0, 2 - int(log10(abs(value)) // 1))
    text = f"{value:,.{min(digits, 3)}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


class _Frame:
    """Axes from 0 to `wide` and `high`."""

    def __init__(self, wide: float, high: float) -> None:
        self.ticks = steps(high)
        self.wide, self.high = max(wide, 1e-9), self.ticks[-1]

    def x(self, value: float) -> float:
        return _LEFT + (WIDTH - _LEFT - _RIGHT) * value / self.wide

    def y(self, value: float) -> float:
        return HEIGHT - _BOTTOM - (HEIGHT - _TOP - _BOTTOM) * min(value, self.high) / self.high

    def path(self, points: Points) -> str:
        return "M" + "L".join(f"{self.x(x):.1f},{self.y(y):.1f}" for x, y in points)


def lines(
    title: str, unit: str, drawn: Mapping[str, Points], *, limit: float | None = None,
    marks: Sequence[tuple[float, str]] = (), labels: Sequence[tuple[float, str]] = (),
) -> str:  # fmt: skip
    """A plot of lines over seconds (or over what `labels` say); `limit` is drawn and named, `marks` are moments with words."""
    points = [point for line in drawn.values() for point in line]
    if not points:
        return f'<figure><figcaption>{escape(title)}</figcaption><p class="none">no data</p></figure>'
    high = max(point[1] for point in points)
    frame = _Frame(max(point[0] for point in points), max(high, limit or 0) if limit and limit < 4 * high else high)
    parts = [_grid(frame, labels or [(tick, f"{figure(tick)} s") for tick in steps(frame.wide) if tick <= frame.wide])]
    for at, words in marks:
        x = frame.x(at)
        parts.append(f'<line class="mark" x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{HEIGHT - _BOTTOM}"/>')
        parts.append(f'<text class="mark" x="{x + 3:.1f}" y="{_TOP + 8}">{escape(words)}</text>')
    if limit is not None and limit <= frame.high:
        y = frame.y(limit)
        parts.append(f'<line class="limit" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text class="limit" x="{WIDTH - _RIGHT}" y="{y - 4:.1f}" text-anchor="end">limit {figure(limit)}</text>')
    for number, line in enumerate(drawn.values()):
        parts.append(f'<path class="s{number % 4}" d="{frame.path(line)}"/>')
    keys = "".join(
        f'<span><svg class="key" viewBox="0 0 16 8"><path class="s{number % 4}" d="M0,4L16,4"/></svg>{escape(name)}</span>'
        for number, name in enumerate(drawn)
        if name
    )
    told = f"{title}{f', {unit}' if unit else ''}"
    return (
        f'<figure><figcaption>{escape(told)} <span class="keys">{keys}</span></figcaption>'
        f'<svg role="img" aria-label="{escape(told)}" viewBox="0 0 {WIDTH} {HEIGHT}">{"".join(parts)}</svg></figure>'
    )


def _grid(frame: _Frame, labels: Sequence[tuple[float, str]]) -> str:
    parts = []
    for tick in frame.ticks:
        y = frame.y(tick)
        parts.append(f'<line class="grid" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{figure(tick)}</text>')
    for at, words in labels:
        parts.append(f'<text x="{frame.x(at):.1f}" y="{HEIGHT - 8}" text-anchor="middle">{escape(words)}</text>')
    return "".join(parts)


def distribution(curve: Sequence[tuple[float, float]], limit: float | None) -> str:
    """Latency by percentile, on an axis that gives each nine the same room; `limit` is the 95th percentile's."""
    places = [(share, ms) for share, ms in curve if share < 100]
    drawn = [(-log10(1 - share / 100), ms) for share, ms in places]
    named = [(-log10(1 - share / 100), f"p{share:g}") for share in (50, 90, 99, 99.9)]
    return lines("Latency by percentile", "ms", {"": drawn}, limit=limit, labels=named)

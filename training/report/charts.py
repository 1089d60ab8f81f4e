"""Numbers -> SVG that takes its colours from the page: lines, columns, and an interval in a cell of a table.

A drawing is 340 units wide and shown at about that size, so its letters stay readable on a phone. Text passes through
``Markup.format``, which escapes it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from training.report.axes import Axis, ticks

WIDTH, HEIGHT = 340, 240
LEFT, RIGHT, TOP, BOTTOM = 44, 12, 12, 38
CELL_WIDTH, CELL_HEIGHT = 150, 18


@dataclass(frozen=True)
class Line:
    """A line of a chart; ``look`` is a class of the style sheet: accent, second, muted or dashed."""

    name: str
    points: Sequence[tuple[float, float]]
    look: str = "accent"
    titles: Sequence[str] = ()  # one per point: the points are marked, and say this when hovered


@dataclass(frozen=True)
class Column:
    """A column of a chart with an optional mark across it, and what it says when hovered."""

    label: str
    value: float
    title: str
    mark: float | None = None


def line_chart(name: str, lines: Sequence[Line], x: Axis, y: Axis, height: int = HEIGHT) -> Markup:
    """Lines over two axes; ``name`` is read aloud in its place."""
    drawn = [_grid(x, y, height), *(_line(line, x, y, height) for line in lines)]
    return _drawing(name, WIDTH, height, drawn)


def column_chart(name: str, columns: Sequence[Column], x_title: str, y: Axis, height: int = HEIGHT) -> Markup:
    """Columns that begin at zero."""
    across = (WIDTH - LEFT - RIGHT) / max(len(columns), 1)
    drawn = [_y_grid(y, height), _x_title(x_title, height)]
    for place, column in enumerate(columns):
        drawn.append(_column(column, LEFT + place * across, across, y, height))
    return _drawing(name, WIDTH, height, drawn)


def interval_cell(mean: Mapping[str, Any], axis: Axis, look: str, title: str, others: Sequence[float] = ()) -> Markup:
    """A dot with its interval and marks where others are, drawn for a table whose rows share one axis."""
    middle = CELL_HEIGHT / 2
    drawn = [_zero(axis), *(_tick(other, axis) for other in others)]
    if mean["low"] is not None:
        line = Markup('<line class="whisker {}" x1="{}" x2="{}" y1="{}" y2="{}"/>')
        drawn.append(line.format(look, _across(mean["low"], axis), _across(mean["high"], axis), middle, middle))
    dot = Markup('<circle class="dot {}" cx="{}" cy="{}" r="3.5"/>')
    drawn.append(dot.format(look, _across(mean["value"], axis), middle))
    return _drawing(title, CELL_WIDTH, CELL_HEIGHT, drawn, "cell")


def _tick(value: float, axis: Axis) -> Markup:
    place = _across(value, axis)
    return Markup('<line class="other" x1="{}" x2="{}" y1="4" y2="{}"/>').format(place, place, CELL_HEIGHT - 4)


def bar_cell(value: float, axis: Axis, look: str, title: str) -> Markup:
    """A bar from zero, drawn for a table whose rows share one axis."""
    begin, end = sorted((_across(0.0, axis), _across(value, axis)))
    bar = Markup('<rect class="bar {}" x="{}" y="4" width="{}" height="{}"/>')
    drawn = [bar.format(look, begin, max(_plain(end - begin), 0.5), CELL_HEIGHT - 8), _zero(axis)]
    return _drawing(title, CELL_WIDTH, CELL_HEIGHT, drawn, "cell")


def _zero(axis: Axis) -> Markup:
    place = _across(0.0, axis)
    return Markup('<line class="zero" x1="{}" x2="{}" y1="1" y2="{}"/>').format(place, place, CELL_HEIGHT - 1)


def _across(value: float, axis: Axis) -> float:
    return _plain(5 + axis.share(value) * (CELL_WIDTH - 10))


def _plain(number: float) -> float:
    return round(float(number), 1)


def _x(value: float, axis: Axis) -> float:
    return _plain(LEFT + axis.share(value) * (WIDTH - LEFT - RIGHT))


def _y(value: float, axis: Axis, height: int) -> float:
    return _plain(height - BOTTOM - axis.share(value) * (height - TOP - BOTTOM))


def _drawing(name: str, width: int, height: int, drawn: Iterable[Markup], look: str = "chart") -> Markup:
    frame = Markup('<svg class="{}" viewBox="0 0 {} {}" role="img" aria-label="{}"><title>{}</title>{}</svg>')
    return frame.format(look, width, height, name, name, Markup("").join(drawn))


def _grid(x: Axis, y: Axis, height: int) -> Markup:
    drawn = [_y_grid(y, height), _x_title(x.title, height)]
    for value in ticks(x):
        text = Markup('<text class="tick" x="{}" y="{}" text-anchor="middle">{}</text>')
        drawn.append(text.format(_x(value, x), height - BOTTOM + 14, format(value, x.form)))
    return Markup("").join(drawn)


def _y_grid(y: Axis, height: int) -> Markup:
    drawn = []
    for value in ticks(y):
        place = _y(value, y, height)
        line = Markup('<line class="grid" x1="{}" x2="{}" y1="{}" y2="{}"/>')
        drawn.append(line.format(LEFT, WIDTH - RIGHT, place, place))
        text = Markup('<text class="tick" x="{}" y="{}" text-anchor="end">{}</text>')
        drawn.append(text.format(LEFT - 6, _plain(place + 3.5), format(value, y.form)))
    return Markup("").join(drawn)


def _x_title(title: str, height: int) -> Markup:
    text = Markup('<text class="axis" x="{}" y="{}" text-anchor="middle">{}</text>')
    return text.format((LEFT + WIDTH - RIGHT) / 2, height - 6, title)


def _line(line: Line, x: Axis, y: Axis, height: int) -> Markup:
    places = [(_x(left, x), _y(up, y, height)) for left, up in line.points]
    path = " ".join(f"{left},{up}" for left, up in places)
    drawn = [
        Markup('<polyline class="line {}" points="{}"><title>{}</title></polyline>').format(line.look, path, line.name)
    ]
    for (left, up), title in zip(places, line.titles, strict=False):
        dot = Markup('<circle class="dot {}" cx="{}" cy="{}" r="3"><title>{}</title></circle>')
        drawn.append(dot.format(line.look, left, up, title))
    return Markup("").join(drawn)


def _column(column: Column, left: float, width: float, y: Axis, height: int) -> Markup:
    top, floor, gap = _y(column.value, y, height), _y(0.0, y, height), width * 0.12
    bar = Markup('<rect class="bar accent" x="{}" y="{}" width="{}" height="{}"/>')
    drawn = [bar.format(_plain(left + gap), top, _plain(width - 2 * gap), _plain(floor - top))]
    if column.mark is not None:
        place = _y(column.mark, y, height)
        line = Markup('<line class="mark" x1="{}" x2="{}" y1="{}" y2="{}"/>')
        drawn.append(line.format(_plain(left + gap / 2), _plain(left + width - gap / 2), place, place))
    text = Markup('<text class="tick" x="{}" y="{}" text-anchor="middle">{}</text>')
    drawn.append(text.format(_plain(left + width / 2), height - BOTTOM + 14, column.label))
    hover = Markup('<rect class="hover" x="{}" y="{}" width="{}" height="{}"><title>{}</title></rect>')
    drawn.append(hover.format(_plain(left), TOP, _plain(width), height - TOP - BOTTOM, column.title))
    return Markup("").join(drawn)

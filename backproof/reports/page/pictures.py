"""Pictures in plain SVG: they take their colours from the page, and need no package."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from math import floor, inf, isfinite, log10

from markupsafe import Markup, escape

from backproof.comparison.record.exhibit import Exhibit
from backproof.comparison.record.tables import SlopeTable
from backproof.reports.page.words import number, share

# Difference ÷ bound up to which a cell has a colour, and how the legend calls it.
LEVELS = (
    (0.0, "0"),
    (0.5, "½"),
    (1.0, "1, the bound"),
    (1e2, "10²"),
    (1e4, "10⁴"),
    (1e8, "10⁸"),
    (1e12, "10¹²"),
    (inf, "more"),
)
# The side of a picture, in its own units, which are pixels where there is room.
WIDE, HIGH = 340, 170
LEFT, TOP, BOTTOM = 38, 8, 24
LARGEST_CELL, SMALLEST_CELL = 34, 9
# Cells that say their own number when pointed at: more would weigh more than they tell.
MOST_TITLED = 150
# A share below this is as good as none, in the picture along the steps.
LEAST = 1e-4
# What is beyond this stands at the upper end, as does what is infinite.
MOST = 1e30


def heatmap(exhibit: Exhibit) -> Markup:
    """Difference ÷ bound over a tensor: one cell an element, or a block of a large one."""
    lines = exhibit.shares
    down, across = len(lines), len(lines[0])
    cell = min(LARGEST_CELL, max(SMALLEST_CELL, WIDE // across, 1), max(SMALLEST_CELL, 260 // down))
    rows, columns = (starts(exhibit.rows, down), starts(exhibit.columns, across))
    left = 8 + 7 * len(str(rows[-1]))
    width, height = left + cell * across + 1, 18 + cell * down + 1
    cells = [
        (level(value), left + cell * j, 18 + cell * i, place(exhibit, i, j), value)
        for i, line in enumerate(lines)
        for j, value in enumerate(line)
    ]
    if len(cells) <= MOST_TITLED:
        drawn = [
            f'<rect class="h{k}" x="{x + inset(k, cell):g}" y="{y + inset(k, cell):g}" '
            f'width="{side(k, cell):g}" height="{side(k, cell):g}">'
            f"<title>{where}: {share(value)} of the bound</title></rect>"
            for k, x, y, where, value in cells
        ]
    else:
        drawn = []
        for k in range(len(LEVELS)):
            edge, shift = side(k, cell), inset(k, cell)
            path = "".join(
                f"M{x + shift:g} {y + shift:g}h{edge:g}v{edge:g}h-{edge:g}z"
                for of, x, y, _, _ in cells
                if of == k
            )
            drawn += [f'<path class="h{k}" d="{path}"/>'] if path else []
    marks = ticks(columns, cell, lambda x: (left + x + cell / 2, 12), "middle")
    marks += ticks(rows, cell, lambda y: (left - 5, 18 + y + cell / 2 + 4), "end")
    told = f"difference ÷ bound over {exhibit.name}, {exhibit.rows} by {exhibit.columns}"
    return svg(width, height, told, drawn + marks)


def inset(k: int, cell: int) -> float:
    """Cells within their bound are smaller: told from the others without colours."""
    return round(0.2 * cell) if LEVELS[k][0] <= 1 else 0


def side(k: int, cell: int) -> float:
    """The side of a cell of that colour; a line's width is left between two."""
    return cell - 1 - 2 * inset(k, cell)


def level(value: float) -> int:
    """The colour of a share."""
    return next(k for k, (most, _) in enumerate(LEVELS) if value <= most)


def starts(length: int, count: int) -> list[int]:
    """The first index of each block, as `exhibits.edges` has them."""
    return [k * length // count for k in range(count)]


def place(exhibit: Exhibit, i: int, j: int) -> str:
    """Which element a cell is, or which elements."""
    parts = []
    for index, length, count in (
        (i, exhibit.rows, len(exhibit.shares)),
        (j, exhibit.columns, len(exhibit.shares[0])),
    ):
        first, last = index * length // count, (index + 1) * length // count - 1
        parts.append(str(first) if first == last else f"{first}–{last}")
    return f"({', '.join(parts[2 - max(1, len(exhibit.shape)) :])})"


def ticks(
    labels: Sequence[int], cell: int, at: Callable[[float], tuple[float, float]], anchor: str
) -> list[str]:
    """Some of the indices along a side, as many as are read easily."""
    every = -(-24 // cell) if anchor == "middle" else -(-14 // cell)
    found = []
    for k, label in enumerate(labels):
        if k % every == 0:
            x, y = at(cell * k)
            found.append(f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}">{label}</text>')
    return found


def along(
    shares: Sequence[tuple[int, float]], one: str = "step", of: str = "steps of the training"
) -> Markup:
    """Difference ÷ bound along the steps of the training, or others; a dashed line at the bound."""
    first, last = shares[0][0], shares[-1][0]
    known = [log10(max(value, LEAST)) for _, value in shares if value < MOST]
    low = min([*map(floor, known), -1])
    high = max([floor(value) + 1 for value in known] + [2])

    def x(step: float) -> float:
        return LEFT + (WIDE - LEFT - 8) * (step - first) / max(last - first, 1)

    def y(value: float) -> float:
        exponent = high if value >= MOST else log10(max(value, LEAST))
        return TOP + (HIGH - TOP - BOTTOM) * (high - exponent) / (high - low)

    points = " ".join(f"{x(step):.1f},{y(value):.1f}" for step, value in shares)
    drawn = [
        level_line("axis", HIGH - BOTTOM),
        level_line("bound", y(1)),
        f'<polyline class="line" points="{points}"/>',
    ]
    drawn += [
        f'<circle class="{"out" if value > 1 else "in"}" cx="{x(step):.1f}" cy="{y(value):.1f}" '
        f'r="2"><title>{one} {step}: {share(value)} of the bound</title></circle>'
        for step, value in shares
    ]
    for exponent in sorted({low if y(10.0**low) - y(1) > 12 else 0, 0, high}):
        name = "bound" if exponent == 0 else number(10.0**exponent).replace("1.0·", "")
        drawn.append(f'<text x="{LEFT - 5}" y="{y(10.0**exponent) + 4:.1f}" text-anchor="end">')
        drawn[-1] += f"{name}</text>"
    for step in sorted({first, (first + last) // 2, last}):
        drawn.append(f'<text x="{x(step):.1f}" y="{HIGH - 6}" text-anchor="middle">{step}</text>')
    return svg(WIDE, HIGH, f"difference ÷ bound along the {of}", drawn)


def slopes(table: SlopeTable) -> Markup:
    """A slope that was used and the right one, against z."""
    zs = [row[0] for row in table.rows]
    values = [value for row in table.rows for value in row[2:] if isfinite(value)]
    if not values or not all(map(isfinite, zs)):
        return Markup("")
    (left, right), (low, high) = padded(zs), padded([*values, 0.0])

    def x(z: float) -> float:
        return LEFT + (WIDE - LEFT - 8) * (z - left) / (right - left)

    def y(value: float) -> float:
        return TOP + (HIGH - TOP - BOTTOM) * (high - value) / (high - low)

    drawn = [level_line("axis", y(0))]
    for column, kind in ((3, "right"), (2, "used")):
        known = [(row[0], row[column]) for row in table.rows if isfinite(row[column])]
        points = " ".join(f"{x(z):.1f},{y(value):.1f}" for z, value in known)
        drawn.append(f'<polyline class="{kind}" points="{points}"/>')
        for z, value in known:
            title = f"<title>{kind} at z = {number(z)}: {number(value)}</title>"
            drawn.append(mark(kind, x(z), y(value), title))
    for value in (low, high):
        drawn.append(f'<text x="{LEFT - 5}" y="{y(value) + 4:.1f}" text-anchor="end">')
        drawn[-1] += f"{number(value)}</text>"
    for z in (left, right):
        anchor = "start" if z == left else "end"
        drawn.append(f'<text x="{x(z):.1f}" y="{HIGH - 6}" text-anchor="{anchor}">')
        drawn[-1] += f"z = {number(z)}</text>"
    return svg(WIDE, HIGH, f"the slope used in {table.where} and the right one", drawn)


def level_line(kind: str, y: float) -> str:
    """A line across the picture."""
    return f'<line class="{kind}" x1="{LEFT}" y1="{y:.1f}" x2="{WIDE - 8}" y2="{y:.1f}"/>'


def mark(kind: str, x: float, y: float, title: str) -> str:
    """A square for what was used, a circle for what is right: told apart without colours."""
    if kind == "used":
        corner = f'x="{x - 3:.1f}" y="{y - 3:.1f}" width="6" height="6"'
        return f'<rect class="used" {corner}>{title}</rect>'
    return f'<circle class="right" cx="{x:.1f}" cy="{y:.1f}" r="3.5">{title}</circle>'


def padded(values: Sequence[float]) -> tuple[float, float]:
    """The range of some values; of a single one, a range around it."""
    low, high = min(values), max(values)
    return (low, high) if high > low else (low - 1, high + 1)


def bar(value: float | None) -> Markup:
    """The share of a bound that was used, as a small bar; full and marked where it is exceeded."""
    if value is None:
        return Markup("")
    percent = min(100.0, 100 * value)
    kind = "over" if value > 1 else "under"
    return Markup(f'<span class="bar {kind}"><i style="width:{percent:.3g}%"></i></span>')


def svg(width: float, height: float, told: str, drawn: Iterable[str]) -> Markup:
    """A picture with its name for who cannot see it."""
    return Markup(
        f'<svg viewBox="0 0 {width:g} {height:g}" width="{width:g}" role="img" '
        f'aria-label="{escape(told)}">{"".join(drawn)}</svg>'
    )

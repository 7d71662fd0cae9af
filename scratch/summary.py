"""The table that a Keras user expects of `summary()`."""

from collections.abc import Sequence

HEADER = ("Layer (type)", "Output Shape", "Param #")
UNITS = ("B", "KB", "MB", "GB")


def table(layers: Sequence[tuple[str, int, int]], itemsize: int) -> str:
    """Return a line for each layer, (name, units, parameters), and the totals.

    A parameter takes `itemsize` bytes.
    """
    rows = [HEADER, *((name, f"(None, {units})", f"{n:,}") for name, units, n in layers)]
    first, second, third = (max(map(len, column)) for column in zip(*rows, strict=True))
    lines = [f"{name:<{first}}  {shape:<{second}}  {n:>{third}}" for name, shape, n in rows]
    lines.insert(1, "=" * len(lines[0]))
    total = sum(parameters for _, _, parameters in layers)
    told = f"{total:,} ({readable(total * itemsize)})"
    return "\n".join(
        (
            *lines,
            "=" * len(lines[0]),
            f"Total params: {told}",
            f"Trainable params: {told}",
            "Non-trainable params: 0 (0.00 B)",
        )
    )


def readable(size: float) -> str:
    """Return so many bytes in the unit that they fill."""
    unit = 0
    while size >= 1024 and unit < len(UNITS) - 1:
        size, unit = size / 1024, unit + 1
    return f"{size:.2f} {UNITS[unit]}"

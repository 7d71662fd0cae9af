"""Contractions: sums of products over any axes, in every arithmetic.

Source of the notation: numpy.einsum.
"""

from __future__ import annotations

from math import prod
from typing import TypeVar

from backproof.mathematics.arithmetic.operations import Ops
from backproof.mathematics.errors import UsageError

T = TypeVar("T")


def contract(ops: Ops[T], subscripts: str, a: T, b: T, further_terms: int = 0) -> T:
    """The einsum of two operands, ``"bthd,bshd->bhts"``, as one product of matrices.

    Axes of both and of the result are carried along; axes of both alone are summed over; each
    operand's own axes stay. ``further_terms`` as in `Ops.matmul`. Raises `UsageError` for
    subscripts that are no such sum, and for operands that do not fit them.
    """
    left, right, out = parsed(subscripts)
    sizes, other = sized(left, a, subscripts), sized(right, b, subscripts)
    for x in sizes.keys() & other.keys():
        if sizes[x] != other[x]:
            raise UsageError(
                f"contract({subscripts!r}): {x!r} is {sizes[x]} long in one operand and {other[x]} "
                "in the other"
            )
    sizes |= other
    carried = [x for x in left if x in right and x in out]
    summed = [x for x in left if x in right and x not in out]
    rows = [x for x in left if x not in right]
    columns = [x for x in right if x not in left]

    def arranged(value: T, axes: str, groups: tuple[list[str], list[str]]) -> T:
        order = tuple(axes.index(x) for x in (*carried, *groups[0], *groups[1]))
        turned = value if order == tuple(range(len(axes))) else ops.transpose(value, order)
        shape = tuple(prod(sizes[x] for x in group) for group in groups)
        stack = (prod(sizes[x] for x in carried),) if carried else ()
        return ops.reshaped(turned, (*stack, *shape))

    product = ops.matmul(
        arranged(a, left, (rows, summed)), arranged(b, right, (summed, columns)), further_terms
    )
    found = [*carried, *rows, *columns]
    product = ops.reshaped(product, tuple(sizes[x] for x in found))
    order = tuple(found.index(x) for x in out)
    return product if order == tuple(range(len(out))) else ops.transpose(product, order)


def parsed(subscripts: str) -> tuple[str, str, str]:
    """Both operands' axes, and the result's."""
    operands, arrow, out = subscripts.partition("->")
    left, comma, right = operands.partition(",")
    unknown = set(out) - set(left) - set(right)
    alone = [x for x in (*left, *right) if x not in out and not (x in left and x in right)]
    twice = any(len(set(axes)) < len(axes) for axes in (left, right, out))
    if not (arrow and comma) or "," in right or unknown or alone or twice:
        raise UsageError(
            f"contract({subscripts!r}): write 'ab,bc->ac', two operands, each letter once in each; "
            "a letter is summed over where both operands have it and the result has not"
        )
    return left, right, out


def sized(axes: str, value: object, subscripts: str) -> dict[str, int]:
    """The length of each axis."""
    shape: tuple[int, ...] = value.shape  # type: ignore[attr-defined] # every arithmetic has it
    if len(shape) != len(axes):
        raise UsageError(f"contract({subscripts!r}): {axes!r} names an array of shape {shape}")
    return dict(zip(axes, shape, strict=True))

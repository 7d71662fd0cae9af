"""What people get wrong in pooling, and the inputs that show it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from backproof.mathematics.layers.own import At, Change, LayerFault, LayerProbe
from backproof.mathematics.layers.pooled import (
    Group,
    Places,
    given_back,
    groups_of,
    places_of,
    rows_of,
    together,
    upstream,
)
from backproof.mathematics.layers.windows import NOWHERE, Index, Windows

if TYPE_CHECKING:
    from backproof.mathematics.layers.pooling import Pooling

Rule = Callable[[Any, Any, Any], Any]
"""What a row gives back, of the ops, the rows and their cotangents."""

LARGEST = "x̄_p = Σ_q [x_p is the largest of window q] ḡ_q"
MEAN = "x̄_p = Σ_q ḡ_q / n_q, n_q the number of positions of window q"


def layer_of(at: At) -> Pooling:
    """The node's layer."""
    layer: Any = at.layer
    found: Pooling = layer
    return found


def by_rule(
    at: At, rule: Rule, among: Callable[[Places], Places] = lambda places: places
) -> dict[str, Change]:
    """What goes back, by another rule of rows, or among other places."""
    layer = layer_of(at)
    if not at.back[0] or not at.arriving:
        return {}
    groups = layer.groups(at.inputs[0])

    def change(value: Any, s: Any) -> Any:
        cotangent = s.values[at.arriving]
        shape = value.shape
        outputs = layer.windows(shape[1:]).outputs
        cotangent = s.ops.reshaped(cotangent, (shape[0], *outputs, shape[-1]))
        parts = [
            rule(s.ops, s.values[f"rows_{number}/{at.name}"], upstream(s.ops, cotangent, group))
            for number, group in enumerate(groups)
        ]
        places = among(places_of(groups, prod(shape[1:-1]), shape[-1]))
        return given_back(s.ops, parts, groups, shape, among=places)

    return {at.back[0]: change}


def overlapping(at: At) -> bool:
    """Whether any position is in several windows."""
    return int((layer_of(at).windows(at.inputs[0]).covering() >= 0).sum(axis=1).max()) > 1


def many(at: At) -> bool:
    """Whether any window has several positions."""
    return any(group.count > 1 for group in layer_of(at).groups(at.inputs[0]))


def last_alone(places: Places) -> Places:
    """Of the windows that have a position, the last."""
    last = places.window == places.window.max(axis=1, keepdims=True)
    return Places(places.first, places.step, np.where(last, places.window, NOWHERE))


def first_alone(places: Places) -> Places:
    """Of the windows that have a position, the first: it has it at the kernel's last place."""
    known = np.where(places.window == NOWHERE, places.window.max() + 1, places.window)
    first = known == known.min(axis=1, keepdims=True)
    return Places(places.first, places.step, np.where(first, places.window, NOWHERE))


def overwritten_by_place(at: At) -> dict[str, Change]:
    """Of the windows that have a position, the first one alone gives back."""
    return by_rule(at, layer_of(at).taken_back, first_alone) if overlapping(at) else {}


def overwritten(at: At) -> dict[str, Change]:
    """Of the windows that have a position, the last one alone gives back."""
    return by_rule(at, layer_of(at).taken_back, last_alone) if overlapping(at) else {}


def other_ties(ties: str) -> Callable[[At], dict[str, Change]]:
    """What equal maxima get by another convention; nothing where it is the layer's."""

    def changes(at: At) -> dict[str, Change]:
        layer: Any = at.layer
        if layer.ties == ties or not many(at):
            return {}
        return by_rule(at, with_ties(layer, ties).taken_back)

    return changes


def with_ties(layer: Any, ties: str) -> Any:
    """The layer by another convention."""
    return replace(layer, ties=ties)


def at_place(first: bool, *, share: Callable[[int], float] = lambda count: 1.0) -> Rule:
    """To the first element of each row, or to all, times a share."""

    def rule(ops: Any, rows: Any, cotangent: Any) -> Any:
        weights = np.full(rows.shape, share(rows.shape[1]))
        if first:
            weights[:, 1:] = 0
        return ops.multiply(cotangent, ops.exact(weights))

    return rule


def when(applies: Callable[[At], bool], rule: Rule) -> Callable[[At], dict[str, Change]]:
    """Another rule of rows, where that is another one."""
    return lambda at: by_rule(at, rule) if applies(at) else {}


def averaged_back(at: At) -> dict[str, Change]:
    """The largest gets its cotangent divided by the size of the window."""
    layer = layer_of(at)

    def rule(ops: Any, rows: Any, cotangent: Any) -> Any:
        return ops.scale(layer.taken_back(ops, rows, cotangent), 1.0, rows.shape[1])

    return by_rule(at, rule) if many(at) else {}


def side_by_side(at: At) -> dict[str, Change]:
    """What goes back lands where the windows would be if their stride was the kernel."""
    layer = layer_of(at)
    right = layer.windows(at.inputs[0])
    wrong = replace(right, stride=right.kernel)
    if not many(at) or np.array_equal(right.taken(), wrong.taken()):
        return {}
    groups = layer.groups(at.inputs[0])
    taken = wrong.taken()
    moved = [Group(group.windows, fitted(group, right, taken)) for group in groups]

    def among(places: Places) -> Places:
        return places_of(moved, prod(right.lengths), at.inputs[0][-1])

    return by_rule(at, layer.taken_back, among)


def fitted(group: Group, right: Windows, taken: Index) -> Index:
    """The positions of the group's windows, where the other windows have them."""
    there = right.taken()[group.windows]
    moved: Index = taken[group.windows]
    if there.shape == group.positions.shape:
        return np.asarray(np.where(group.positions == NOWHERE, NOWHERE, moved))
    return np.asarray(moved[there != NOWHERE].reshape(group.positions.shape))


def placed(at: At, moved: Callable[[Group], Index]) -> dict[str, Change]:
    """What goes back lands at other positions: ``moved(group)``, (windows, places of a window)."""
    layer = layer_of(at)
    windows = layer.windows(at.inputs[0])
    groups = layer.groups(at.inputs[0])
    if not many(at) or any(group.count != windows.places for group in groups):
        return {}
    elsewhere = [Group(group.windows, moved(group)) for group in groups]
    if all(
        np.array_equal(a.positions, b.positions) for a, b in zip(elsewhere, groups, strict=True)
    ):
        return {}

    def among(places: Places) -> Places:
        return places_of(elsewhere, prod(windows.lengths), at.inputs[0][-1])

    return by_rule(at, layer.taken_back, among)


def turned_windows(at: At) -> dict[str, Change]:
    """Height and width of each window are exchanged on the way back."""
    kernel = layer_of(at).windows(at.inputs[0]).kernel
    if len(kernel) != 2 or kernel[0] != kernel[1]:
        return {}

    def moved(group: Group) -> Index:
        squares = group.positions.reshape(-1, *kernel).transpose(0, 2, 1)
        return np.ascontiguousarray(squares).reshape(group.positions.shape)

    return placed(at, moved)


def one_after_the_other(at: At) -> dict[str, Change]:
    """The windows are reshaped to a picture, where they should be put side by side."""
    windows = layer_of(at).windows(at.inputs[0])
    if windows.positions * windows.places != prod(windows.lengths):
        return {}
    return placed(
        at, lambda group: group.windows[:, None] * windows.places + np.arange(windows.places)
    )


def zeros_otherwise(at: At) -> dict[str, Change]:
    """Zeros around the input take part where they should not, or the reverse; both ways."""
    layer = layer_of(at)
    windows = layer.windows(at.inputs[0])
    other = groups_of(windows, zeros=not layer.with_zeros())
    if not any(map(any, windows.padding)):
        return {}
    found: dict[str, Change] = {f"activation/{at.name}": forwards_by(at, other)}
    if at.back[0] and at.arriving:
        found[at.back[0]] = backwards_by(at, other)
    return found


def forwards_by(at: At, groups: Sequence[Group]) -> Change:
    """What comes out, by other rows."""
    layer = layer_of(at)

    def change(value: Any, s: Any) -> Any:
        x = s.values[at.sources[0]]
        parts = [layer.reduced(s.ops, rows_of(s.ops, x, group)) for group in groups]
        windows = layer.windows(x.shape[1:]).positions
        out = together(s.ops, parts, groups, (x.shape[0], windows, x.shape[-1]))
        return s.ops.reshaped(out, value.shape)

    return change


def backwards_by(at: At, groups: Sequence[Group]) -> Change:
    """What goes back, by other rows."""
    layer = layer_of(at)

    def change(value: Any, s: Any) -> Any:
        x, cotangent = s.values[at.sources[0]], s.values[at.arriving]
        parts = [
            layer.taken_back(s.ops, rows_of(s.ops, x, group), upstream(s.ops, cotangent, group))
            for group in groups
        ]
        return given_back(s.ops, parts, groups, value.shape)

    return change


def summed(at: At) -> dict[str, Change]:
    """The sum of each window, forwards and backwards."""
    if not many(at):
        return {}
    layer = layer_of(at)
    groups = layer.groups(at.inputs[0])

    def change(value: Any, s: Any) -> Any:
        x = s.values[at.sources[0]]
        parts = [s.ops.total(rows_of(s.ops, x, group), axis=1) for group in groups]
        windows = layer.windows(x.shape[1:]).positions
        out = together(s.ops, parts, groups, (x.shape[0], windows, x.shape[-1]))
        return s.ops.reshaped(out, value.shape)

    return {f"activation/{at.name}": change} | by_rule(at, at_place(False))


def smallest(at: At) -> dict[str, Change]:
    """The smallest of each window, forwards and backwards: the largest of −x, negated."""
    layer = layer_of(at)
    if not many(at) or any(map(any, layer.windows(at.inputs[0]).padding)):
        return {}
    groups = layer.groups(at.inputs[0])

    def negated(ops: Any, x: Any) -> Any:
        return ops.scale(x, -1.0, 1)

    def change(value: Any, s: Any) -> Any:
        x = negated(s.ops, s.values[at.sources[0]])
        parts = [layer.reduced(s.ops, rows_of(s.ops, x, group)) for group in groups]
        windows = layer.windows(x.shape[1:]).positions
        out = together(s.ops, parts, groups, (x.shape[0], windows, x.shape[-1]))
        return negated(s.ops, s.ops.reshaped(out, value.shape))

    def rule(ops: Any, rows: Any, cotangent: Any) -> Any:
        return layer.taken_back(ops, negated(ops, rows), cotangent)

    return {f"activation/{at.name}": change} | by_rule(at, rule)


def by_windows_count(at: At) -> dict[str, Change]:
    """Divided by the number of windows, not by that of a window's positions."""
    windows = layer_of(at).windows(at.inputs[0])
    if windows.positions in (1, windows.places):
        return {}
    return by_rule(at, at_place(False, share=lambda count: 1 / windows.positions))


def by_height(at: At) -> dict[str, Change]:
    """Divided by the height of a window alone."""
    windows = layer_of(at).windows(at.inputs[0])
    if len(windows.kernel) < 2 or prod(windows.kernel[1:]) == 1:
        return {}
    return by_rule(at, at_place(False, share=lambda count: 1 / windows.kernel[0]))


TIED: tuple[LayerFault, ...] = (
    LayerFault(
        "every_tie_gets_all",
        "of equal maxima each gets the whole cotangent",
        LARGEST,
        other_ties("all"),
        sort="convention",
        at_ties=True,
    ),
    LayerFault(
        "ties_share",
        "equal maxima share the cotangent",
        LARGEST,
        other_ties("shared"),
        sort="convention",
        at_ties=True,
    ),
    LayerFault(
        "last_tie",
        "of equal maxima the last gets the cotangent",
        LARGEST,
        other_ties("last"),
        sort="convention",
        at_ties=True,
    ),
    LayerFault(
        "first_tie",
        "of equal maxima the first alone gets the cotangent",
        LARGEST,
        other_ties("first"),
        sort="convention",
        at_ties=True,
    ),
    LayerFault(
        "first_of_window",
        "the first element of each window gets the cotangent, not the largest",
        LARGEST,
        when(many, at_place(True)),
    ),
    LayerFault(
        "whole_window",
        "all elements of each window get the cotangent, not the largest alone",
        LARGEST,
        when(many, at_place(False)),
    ),
    LayerFault(
        "smallest",
        "the smallest of each window is taken, forwards and backwards",
        "a_q = the largest x_p of window q",
        smallest,
        sort="convention",
    ),
    LayerFault(
        "window_averaged",
        "all elements of each window get an equal part of the cotangent, as of a mean, not the "
        "largest alone",
        LARGEST,
        when(many, at_place(False, share=lambda count: 1 / count)),
    ),
    LayerFault(
        "largest_averaged",
        "the cotangent of the largest is divided by the size of the window",
        LARGEST,
        averaged_back,
    ),
)

SLIDING: tuple[LayerFault, ...] = (
    LayerFault(
        "overlap_overwritten",
        "where windows overlap, the last one overwrites what the others give back: = for +=",
        "x̄_p = Σ_q …, over all windows q that have p",
        overwritten,
    ),
    LayerFault(
        "overlap_overwritten_by_place",
        "where windows overlap, what a window's last place gives back overwrites what the others "
        "do: = for += in a loop over the places",
        "x̄_p = Σ_q …, over all windows q that have p",
        overwritten_by_place,
    ),
    LayerFault(
        "stride_missing_backwards",
        "what goes back lands where the windows would be if they stood side by side",
        "window q starts at q · stride − padding",
        side_by_side,
    ),
    LayerFault(
        "zeros_otherwise",
        "the zeros around the input take part where they should not, or do not where they should",
        "a_q of the positions of window q, with the zeros around as declared",
        zeros_otherwise,
        sort="convention",
    ),
)

OF_MAXIMUM = (*TIED, *SLIDING)
OF_SQUARES: tuple[LayerFault, ...] = (
    LayerFault(
        "windows_turned_backwards",
        "height and width of each window are exchanged on the way back",
        LARGEST,
        turned_windows,
    ),
    LayerFault(
        "windows_reshaped_backwards",
        "the windows are reshaped to a picture on the way back, where they should be put side by "
        "side",
        LARGEST,
        one_after_the_other,
    ),
)

MEANS: tuple[LayerFault, ...] = (
    LayerFault(
        "divisor_missing_backwards",
        "the cotangent goes back without being divided by the window's size",
        MEAN,
        when(many, at_place(False)),
    ),
    LayerFault(
        "sum_for_mean_forwards",
        "windows are summed, not averaged, forwards alone",
        "a_q = Σ x_p / n_q",
        lambda at: {n: each for n, each in summed(at).items() if n == f"activation/{at.name}"},
    ),
    LayerFault(
        "sum_for_mean",
        "windows are summed, not averaged, forwards and backwards",
        "a_q = Σ x_p / n_q",
        summed,
        sort="convention",
    ),
    LayerFault(
        "first_of_window",
        "the first element of each window alone gets its share of the cotangent",
        MEAN,
        when(many, at_place(True, share=lambda count: 1 / count)),
    ),
    LayerFault(
        "divided_by_height",
        "the cotangent is divided by the height of a window alone",
        MEAN,
        by_height,
    ),
)

OF_AVERAGE = (
    *(fault for fault in MEANS if fault.name != "divided_by_height"),
    LayerFault(
        "divided_by_windows",
        "the cotangent is divided by the number of windows, not by the size of one",
        MEAN,
        by_windows_count,
    ),
    *SLIDING,
)


def ties(node: At, parameters: dict[str, Any], inputs: Any, stream: Any) -> None:
    """Whole numbers of few values, and a first unit that is its bias everywhere: exact ties.

    The bias is not negative, for a rectifier would let nothing through.
    """
    inputs[...] = np.rint(inputs)
    for value in parameters.values():
        value[..., 0] = 0 if value.ndim > 1 else np.abs(value[..., 0])


def negative(node: At, parameters: dict[str, Any], inputs: Any, stream: Any) -> None:
    """Windows of negative numbers, where a zero of the padding would be the largest."""
    inputs[...] = -np.abs(inputs) - 0.125
    for value in parameters.values():
        value[...] = np.abs(value) if value.ndim > 1 else -np.abs(value)


def increasing(node: At, parameters: dict[str, Any], inputs: Any, stream: Any) -> None:
    """Inputs that grow along their positions: the last of each window is the largest."""
    if inputs.ndim > 2:
        steps = np.arange(prod(inputs.shape[1:-1])).reshape(inputs.shape[1:-1])
        inputs[...] = inputs / 8 + steps[..., None]


HOSTILE_MAXIMUM: tuple[LayerProbe, ...] = (
    LayerProbe("ties", ties),
    LayerProbe("negative", negative),
    LayerProbe("increasing", increasing),
)
HOSTILE_AVERAGE: tuple[LayerProbe, ...] = (LayerProbe("increasing", increasing),)

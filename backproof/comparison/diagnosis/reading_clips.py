"""Readings of gradients that are clipped: each element, or the norm of each tensor."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backproof.comparison.diagnosis.reading import Reading, reading
from backproof.comparison.diagnosis.views import View
from backproof.mathematics.definition.sites import Scope
from backproof.mathematics.faults import Target
from backproof.mathematics.faults.changes import centre
from backproof.mathematics.faults.fault import Change

T = Any
Values = NDArray[np.float64]
Clip = Callable[[Any, T], T]


def read_clips(
    target: Target, name: str, views: Sequence[View], rate: float, share: float
) -> Iterator[Reading]:
    """A gradient, or that which a step takes (``updated/…``), clipped in all tensors alike."""
    parameter = name.partition("/")[2]
    of_step = name.startswith("updated/")
    if of_step and (parameter not in target.network.parameters or target.optimizer.SLOTS):
        return
    pairs = []
    for view in views:
        shown = view.shown(name)
        if shown is None:
            continue
        right = np.asarray(view.results[f"gradient/{parameter}"], np.float64)
        if of_step:
            w = np.asarray(view.scope.parameters[parameter], np.float64)
            shown = (w - shown) / rate
        pairs.append((shown, right))
    if not any((np.abs(s - r) > max(share, 1e-6) * np.abs(r).max()).any() for s, r in pairs):
        return  # it is right
    yield from read_global_norm(target, name, views, rate, max(share, 1e-6))
    for text, clip in fitting(pairs, max(share, 1e-6)):
        every, own = target.network.parameters, parameter.rpartition("/")[2]
        alike = [each for each in every if each.rpartition("/")[2] == own]
        for names, whose in ((list(every), ""), (alike, f" of each {own}")):
            if of_step:
                told = f"the step{whose} is made with {text}"
                changes = {f"change/{each}": stepped(each, clip, rate) for each in names}
            else:
                told = f"the gradient{whose or ' of every parameter'} is {text}"
                changes = {f"gradient/{each}": clipped(clip) for each in names}
            yield reading(f"{text}{whose}", "", told, "g", changes, 1.2)


def read_global_norm(
    target: Target, name: str, views: Sequence[View], rate: float, share: float
) -> Iterator[Reading]:
    """All gradients scaled down together where their common norm is above a limit."""
    network, parameter = target.network, name.partition("/")[2]
    of_step = name.startswith("updated/")
    penalised = any(network.penalty_on(each).orders() for each in network.parameters)
    uses = sum(len(network.uses[node]) for node in network.node_names)
    if len(network.parameters) == 1:
        return  # its own norm is that of all
    if not of_step and (penalised or uses > len(network.parameters)):
        return
    limits: list[float] = []
    sizes: list[float] = []
    for view in views:
        shown = view.shown(name)
        if shown is None:
            continue
        if of_step:
            shown = (np.asarray(view.scope.parameters[parameter], np.float64) - shown) / rate
        right = np.asarray(view.results[f"gradient/{parameter}"], np.float64)
        every = [np.asarray(view.results[f"gradient/{n}"]) for n in network.parameters]
        norm = float(np.sqrt(sum(float((each**2).sum()) for each in every)))
        size = float(np.abs(right).max(initial=0.0))
        ratio = float(np.vdot(shown, right)) / (float(np.vdot(right, right)) or 1.0)
        if (np.abs(shown - ratio * right) > share * size).any() or ratio > 1 + share:
            return
        (limits if ratio < 1 - share else sizes).append(ratio * norm)
    if not limits or max(limits) - min(limits) > share * max(limits):
        return
    if any(size > limits[0] * (1 + share) for size in sizes):
        return
    limit = float(f"{limits[0]:.6g}")

    def clip(value: T, scope: Scope[T], of: str) -> T:
        ops = scope.ops
        among = [scope.values[f"{of}/{n}"] for n in network.parameters]
        whole = ops.sum_of_charged([ops.charged(ops.total(ops.multiply(g, g)), 4) for g in among])
        norm = ops.reshaped(ops.sqrt(whole), (1,))
        if float(centre(norm)[0]) <= limit:
            return value
        spread = ops.gather(norm, np.zeros(value.shape, np.intp))
        return ops.charged(ops.divide(ops.scale(value, limit), spread), 4)

    text = f"g * min(1, {limit:.6g} / the norm of all gradients together)"
    if of_step:
        changes = {f"change/{n}": clipped_all(clip, "gradient") for n in network.parameters}
        yield reading(text, "", f"the step is made with {text}", "g", changes, 1.2)
    else:
        changes = {f"gradient/{n}": clipped_all(clip, "data_gradient") for n in network.parameters}
        yield reading(text, "", f"the gradient of every parameter is {text}", "g", changes, 1.2)


def clipped_all(clip: Callable[[T, Scope[T], str], T], of: str) -> Change:
    """The value by the common norm of the gradients at a site of each."""
    return lambda value, scope: clip(value, scope, of)


def fitting(pairs: Sequence[tuple[Values, Values]], share: float) -> Iterator[tuple[str, Clip]]:
    """The clips that give every tensor, each as code writes it."""
    limits = [
        float(np.abs(shown).max(initial=0.0)) for shown, right in pairs if (shown != right).any()
    ]
    if pairs and limits:
        limit = max(limits)
        near = share * limit
        if limit and all((np.abs(s - np.clip(r, -limit, limit)) <= near).all() for s, r in pairs):
            yield f"clip(g, -{limit:.6g}, {limit:.6g})", by_element(limit)
        norms = [float(np.linalg.norm(shown)) for shown, _ in pairs]
        most = max(norms)
        if not most:
            return  # zeros are no clipped gradient, but none at all

        def scaled(right: Values, always: bool) -> Values:
            norm = float(np.linalg.norm(right)) or 1.0
            return right * (most / norm if always else min(1.0, most / norm))

        for always, text in ((True, "{} * g / norm(g)"), (False, "g * min(1, {} / norm(g))")):
            if all((np.abs(s - scaled(r, always)) <= share * most).all() for s, r in pairs):
                yield text.format(f"{most:.6g}").removeprefix("1 * "), by_norm(most, always=always)
                return


def by_element(limit: float) -> Clip:
    """clip(g, −c, c) = (|g + c| − |g − c|) / 2."""

    def clip(ops: Any, g: T) -> T:
        c = ops.exact(np.full(g.shape, float(f"{limit:.12g}")))
        ends = ops.magnitude(ops.add(g, c)), ops.magnitude(ops.subtract(g, c))
        return ops.scale(ops.subtract(*ends), 0.5, roundings=-1)

    return clip


def by_norm(limit: float, *, always: bool) -> Clip:
    """g times c by its norm, where that is more than c (or always)."""

    def clip(ops: Any, g: T) -> T:
        size = ops.reshaped(ops.sqrt(ops.total(ops.multiply(g, g))), (1,))
        if not always and float(centre(size)[0]) <= limit:
            return g
        norm = ops.gather(size, np.zeros(g.shape, np.intp))
        return ops.divide(ops.scale(g, float(f"{limit:.12g}")), norm)

    return clip


def clipped(clip: Clip) -> Change:
    """The value, clipped."""
    return lambda value, scope: clip(scope.ops, value)


def stepped(parameter: str, clip: Clip, rate: float) -> Change:
    """The step of a clipped gradient."""

    def change(value: T, scope: Scope[T]) -> T:
        return scope.ops.scale(clip(scope.ops, scope.values[f"gradient/{parameter}"]), rate)

    return change

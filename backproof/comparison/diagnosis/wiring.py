"""Wiring: what code may take for a delta, or a gradient, from elsewhere in the network.

The share of one branch alone, what arrives at another node, another layer's delta through this
kernel, the slope of another layer, the input of another layer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from backproof.comparison.diagnosis.atoms import Atom, one, right_atom, size_of, z_of
from backproof.comparison.diagnosis.delta_sources import Source
from backproof.comparison.diagnosis.linear import Term
from backproof.mathematics.definition.sites import Scope
from backproof.mathematics.faults import Target
from backproof.mathematics.faults.changes import arriving, samples, turned
from backproof.mathematics.faults.fault import Place
from backproof.mathematics.network.around import back_to, site_of
from backproof.mathematics.network.network import Network
from backproof.mathematics.network.node import INPUTS, Node

T = Any
Make = Callable[[Scope[T]], T]
# Of larger networks, only what lies near is looked at.
MOST_LAYERS = 12


def shares(network: Network, name: str) -> list[Source]:
    """What each of several nodes gives back to one, the parts of what arrives at it."""
    found = []
    takers = [
        (node, index)
        for node in network.nodes
        for index, source in enumerate(node.inputs)
        if source == name
    ]
    for node, index in takers if len(takers) > 1 else ():
        site = back_to(network, node, index)
        found.append(Source(f"(what {node.name} gives back)", lambda s, n=site: s.values[n]))  # type: ignore[misc]
    return found


def later(network: Network, place: Place) -> tuple[Node, ...]:
    """The nodes whose backward pass comes before that of a place."""
    names = list(network.node_names)
    return tuple(network.nodes[names.index(place.name) + 1 :])


def arriving_elsewhere(target: Target, place: Place) -> Iterator[Source]:
    """What arrives at other nodes of the same shape, and that times another factor of a product."""
    network = target.network
    for node in later(network, place):
        if node is network.last:
            continue
        if network.output_shapes[node.name] != (place.fan_out,):
            continue
        site = f"back/{node.name}"
        text = f"(what arrives at {node.name})"
        yield Source(text, lambda s, n=site: s.values[n])  # type: ignore[misc]
        yield from shares(network, node.name)
    for node in later(network, place):
        shapes = {network.output_shapes[each] for each in (node.name, *node.inputs)}
        if len(node.inputs) == 1 or shapes != {(place.fan_out,)}:
            continue
        for source in node.inputs:
            text = f"(what arrives at {node.name}) * (output of {source})"
            sites = f"back/{node.name}", site_of(source)
            yield Source(text, lambda s, n=sites: s.ops.multiply(s.values[n[0]], s.values[n[1]]))  # type: ignore[misc]


def through_kernels(target: Target, place: Place) -> Iterator[Source]:
    """Every delta through every kernel that it fits."""
    behind = {node.name for node in later(target.network, place)}
    layers = [each for each in target.layers if each.name in behind][:MOST_LAYERS]
    above = [node.name for node in target.network.consumers[place.name]]
    for one_ in layers:
        for other in layers:
            fits = one_.fan_out == other.fan_out and other.fan_in == place.fan_out
            own = one_.name == other.name and above == [one_.name]
            if not fits or own:
                continue
            sites = f"delta/{one_.name}", f"kernel/{other.name}"
            yield Source(
                f"(delta of {one_.name}) @ (W of {other.name}).T",
                lambda s, n=sites: s.ops.matmul(s.values[n[0]], turned(s.values[n[1]], s)),  # type: ignore[misc]
            )
    for each in layers:
        if each.fan_out == place.fan_out and [each.name] != above:
            yield Source(f"(delta of {each.name})", lambda s, n=f"delta/{each.name}": s.values[n])  # type: ignore[misc]


def of_some_units(target: Target, place: Place) -> Iterator[Source]:
    """The share of some units of the layer above, and what a column of biases shifts."""
    if place not in target.hidden:
        return
    above = target.above(place)
    units = above.fan_out

    def of(columns: slice) -> Make:
        def made(s: Scope[T]) -> T:
            keep = np.zeros((samples(s), units))
            keep[:, columns] = 1
            kept = s.ops.multiply(s.values[f"delta/{above.name}"], s.ops.exact(keep))
            return s.ops.matmul(kept, turned(s.values[f"kernel/{above.name}"], s))

        return made

    if units > 1:
        for text, columns in (
            ("-1:", slice(-1, None)),
            (":1", slice(0, 1)),
            ("1:", slice(1, None)),
            (":-1", slice(0, -1)),
        ):
            yield Source(f"delta_above[:, {text}] @ W_above[:, {text}].T", of(columns))
    if above.unitwise and place.fan_out > 1:
        for text, first in (("[b_above, W_above[:-1]]", True), ("[W_above[1:], b_above]", False)):
            yield Source(f"delta_above @ {text}.T", beside_biases(above, first=first))


def beside_biases(above: Place, *, first: bool) -> Make:
    """Through the kernel with the biases as a row of it, and the wrong row taken away."""

    def made(s: Scope[T]) -> T:
        ops, delta = s.ops, s.values[f"delta/{above.name}"]
        bias = ops.reshaped(ops.exact(s.parameters[above.bias]), (1, above.fan_out))
        through_bias = ops.matmul(delta, turned(bias, s))
        back = arriving_below(s, above)
        rows, columns = back.shape
        index = np.arange(rows * columns).reshape(rows, columns)
        kept = ops.gather(back, index[:, :-1] if first else index[:, 1:])
        return ops.concatenated([through_bias, kept] if first else [kept, through_bias])

    return made


def arriving_below(s: Scope[T], above: Place) -> T:
    """What a layer gives back."""
    return s.ops.matmul(
        s.values[f"delta/{above.name}"], turned(s.values[f"kernel/{above.name}"], s)
    )


def weights(s: Scope[T], shape: tuple[int, ...]) -> Any:
    """The sample weights, each for all units; ones where there are none."""
    assert s.batch is not None
    own = s.batch.weights
    column = np.ones(shape[0]) if own is None else np.repeat(own, shape[0] // len(own))
    return np.broadcast_to(column[:, None], shape).copy()


def weighted(place: Place) -> Iterator[Source]:
    """What arrives at the last layer, with other sample weights."""
    ways: dict[str, Callable[[Any], Any]] = {
        "what arrives, without the sample weights": lambda w: 1 / w,
        "what arrives, times the sample weights again": lambda w: w,
    }
    for text, way in ways.items():

        def made(s: Scope[T], way: Callable[[Any], Any] = way) -> T:
            value = arriving(s, place.name)
            return s.ops.multiply(value, s.ops.exact(way(weights(s, value.shape))))

        yield Source(text, made)


def moved(place: Place) -> Iterator[Source]:
    """What arrives, in another order."""
    for text, order in ORDERS.items():

        def made(s: Scope[T], order: Callable[[Any], Any] = order) -> T:
            value = arriving(s, place.name)
            rows, columns = value.shape
            return s.ops.gather(value, order(np.arange(rows * columns).reshape(rows, columns)))

        yield Source(f"what arrives, {text},", made)


ORDERS: dict[str, Callable[[Any], Any]] = {
    "with its units in reverse order": lambda x: x[:, ::-1].copy(),
    "with its samples in reverse order": lambda x: x[::-1].copy(),
    "of the sample before": lambda x: np.roll(x, 1, axis=0),
    "of the next sample": lambda x: np.roll(x, -1, axis=0),
    "of the unit before": lambda x: np.roll(x, 1, axis=1),
    "of the next unit": lambda x: np.roll(x, -1, axis=1),
}


def wired(target: Target, place: Place, *, weighs: bool) -> list[Source]:
    """All that may be taken for what arrives at a place, beside what is made of it there.

    ``weighs``: whether there are sample weights.
    """
    if place.name == target.network.last.name:
        return list(weighted(place)) if weighs else []
    found = shares(target.network, place.name)
    for sources in (
        arriving_elsewhere(target, place),
        through_kernels(target, place),
        of_some_units(target, place),
        moved(place),
    ):
        found += sources
    return list({source.text: source for source in found}.values())


def other_slopes(target: Target, place: Place) -> list[Atom]:
    """Slopes of other values than this layer's own, each alone."""
    f, network = place.f, target.network
    if f.name in ("linear", "softmax"):
        return []
    found = []

    def slope(text: str, z: Callable[[Scope[T]], T]) -> Atom:
        def value(s: Scope[T], place: Place) -> T:
            at = z(s)
            return s.ops.vjp(f, at, s.ops.activate(f, at), one(s, place))

        return Atom(text, value, lambda s, p: one(s, p))

    for each in target.layers:
        if each.name != place.name and each.fan_out == place.fan_out:
            text = f"f'(z of {each.name})"
            found.append(slope(text, lambda s, n=f"z/{each.name}": s.values[n]))  # type: ignore[misc]
    for name in (INPUTS, *network.node_names):
        width = network.output_shapes[name]
        if name == place.name or width != (place.fan_out,) or f.name not in OF_OUTPUT:
            continue
        text, make = OF_OUTPUT[f.name]
        found.append(of_output(text.format(f"(output of {name})"), site_of(name), make))
    found += of_sign(place)
    for text, order in list(ORDERS.items())[1:4]:
        found.append(slope(f"f'(z), {text}", reordered(place, order)))
    return found


def of_sign(place: Place) -> Iterator[Atom]:
    """The cases taken by the sign of what arrives, not of z; or by both."""

    def sided(s: Scope[T], place: Place) -> T:
        return positive(s.ops, arriving(s, place.name))

    def both(s: Scope[T], place: Place) -> T:
        return s.ops.multiply(sided(s, place), right_atom(place).value(s, place))

    yield Atom("(g > 0), g being what arrives", sided, one)
    yield Atom(f"(g > 0) * {right_atom(place).inside(1)}, g being what arrives", both, one)


def reordered(place: Place, order: Callable[[Any], Any]) -> Make:
    """The pre-activations in another order."""

    def made(s: Scope[T]) -> T:
        z = z_of(s, place)
        rows, columns = z.shape
        return s.ops.gather(z, order(np.arange(rows * columns).reshape(rows, columns)))

    return made


def of_output(text: str, site: str, make: Callable[[Any, T], T]) -> Atom:
    """A slope that is taken of an output."""

    def value(s: Scope[T], place: Place) -> T:
        return make(s.ops, s.values[site])

    def size(s: Scope[T], place: Place) -> T:
        magnitude = size_of(lambda s, p: s.values[site])(s, place)
        return s.ops.add(one(s, place), s.ops.multiply(magnitude, magnitude))

    return Atom(text, value, size)


def less_square(ops: Any, a: T) -> T:
    """1 − a²."""
    return ops.subtract(ops.exact(np.ones(a.shape)), ops.multiply(a, a))


def logistic(ops: Any, a: T) -> T:
    """a (1 − a)."""
    return ops.multiply(a, ops.subtract(ops.exact(np.ones(a.shape)), a))


def positive(ops: Any, a: T) -> T:
    """1 where a > 0."""
    sign = ops.sign(a)
    return ops.scale(ops.add(ops.magnitude(sign), sign), 0.5, roundings=-1)


OF_OUTPUT: dict[str, tuple[str, Callable[[Any, T], T]]] = {
    "tanh": ("1 - {}**2", less_square),
    "sigmoid": ("{0} * (1 - {0})", logistic),
    "relu": ("({} > 0)", positive),
}


def powers(place: Place) -> list[Atom]:
    """Slopes with another power in them."""
    found = []
    for power in (3, 4):

        def raised(s: Scope[T], place: Place, power: int = power) -> T:
            value = a = s.values[f"activation/{place.name}"]
            for _ in range(power - 1):
                value = s.ops.multiply(value, a)
            return value

        def value(s: Scope[T], place: Place, raised: Any = raised) -> T:
            return s.ops.subtract(one(s, place), raised(s, place))

        def size(s: Scope[T], place: Place, raised: Any = raised) -> T:
            return s.ops.add(one(s, place), s.ops.magnitude(raised(s, place)))

        found.append(Atom(f"1 - a**{power}", value, size, loose=True))
    return found


def by_weights(s: Scope[T], value: T) -> T:
    """Each sample times its weight."""
    return s.ops.multiply(value, s.ops.exact(weights(s, value.shape)))


def other_deltas(target: Target, place: Place, *, weighs: bool) -> list[Term]:
    """What the gradient of a bias may be summed of: what other layers have, or what arrives."""
    network = target.network
    found = [
        Term(
            f"(delta of {each.name}).sum(axis=0)",
            lambda s, n=f"delta/{each.name}": s.ops.total(s.values[n], axis=0),  # type: ignore[misc]
        )
        for each in target.layers[:MOST_LAYERS]
        if each.name != place.name and each.fan_out == place.fan_out
    ]
    found += [
        Term(
            f"(what arrives at {node.name}).sum(axis=0)",
            lambda s, n=f"back/{node.name}": s.ops.total(s.values[n], axis=0),  # type: ignore[misc]
        )
        for node in network.nodes[:-1]
        if node.name != place.name and network.output_shapes[node.name] == (place.fan_out,)
    ]
    if weighs:
        delta = f"delta/{place.name}"
        found.append(
            Term(
                "(delta * sample_weights).sum(axis=0)",
                lambda s: s.ops.total(by_weights(s, s.values[delta]), axis=0),
            )
        )
    return found


def other_products(target: Target, place: Place, *, weighs: bool) -> list[Term]:
    """What the gradient of a kernel may be a product of: other inputs, other deltas."""
    network = target.network
    found = []
    if weighs:
        own_delta = f"delta/{place.name}"
        found.append(
            Term(
                "x.T @ (delta * sample_weights)",
                lambda s: s.ops.matmul(
                    turned(s.values[place.incoming], s), by_weights(s, s.values[own_delta])
                ),
            )
        )
    layers = target.layers[:MOST_LAYERS]
    lefts = {
        site_of(name): "the network's inputs" if name == INPUTS else f"output of {name}"
        for name in (INPUTS, *network.node_names)
        if network.output_shapes[name] == (place.fan_in,)
    }
    rights = [f"delta/{each.name}" for each in layers if each.fan_out == place.fan_out]
    for left, text in lefts.items():
        for right in rights:
            own = right == f"delta/{place.name}"
            if own and left == place.incoming:
                continue
            x = "x" if left == place.incoming else f"({text})"
            delta = "delta" if own else f"(delta of {right.partition('/')[2]})"
            found.append(
                Term(
                    f"{x}.T @ {delta}",
                    lambda s, n=(left, right): s.ops.matmul(  # type: ignore[misc]
                        turned(s.values[n[0]], s), s.values[n[1]]
                    ),
                )
            )
    return found

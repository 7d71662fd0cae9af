"""How often a term of a network's sums may round, in whatever order they are taken.

The definition adds up in one order. Correct code may take any: a bias before the products, a
penalty before the samples, the weights of all tensors at once, a mean of means; and it may apply
each part of a coefficient to terms, to partial sums, or to what follows from them. Of n terms, none
then meets more than n − 1 roundings of sums (Higham, Accuracy and Stability of Numerical
Algorithms, 2nd edition, section 4.2), and those of the coefficient.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import frexp

from backproof.mathematics.losses import LossFunction
from backproof.mathematics.network.network import Network
from backproof.mathematics.network.parameters import Batch


@dataclass(frozen=True)
class Sums:
    """The sums of a network on a batch of so many samples."""

    coefficient: int
    """How often a term rounds until all parts of the loss's coefficient are applied."""
    enlargement: float
    """By how much a part that is applied last enlarges what underflow took before."""
    kinds: dict[str, int]
    """How many penalties there are on each parameter."""
    sizes: dict[str, int]
    """How many elements each parameter has."""
    summands: dict[str, int]
    """How many terms the gradient of each parameter has, over all nodes that use it."""
    own: dict[tuple[str, str], tuple[str, int]]
    """By node and its own name of a parameter: whose it is, and how many of those are its own."""
    below: dict[tuple[str, int], int]
    """By node and input: how many terms other nodes add to that input's cotangent."""

    @property
    def penalties(self) -> int:
        """How many terms the penalties add to the loss."""
        return sum(self.kinds[name] * size for name, size in self.sizes.items())

    def beside(self, node: str, name: str) -> int:
        """How many terms a gradient has beside a node's own: other uses, and penalties."""
        parameter, own = self.own[node, name]
        return self.summands[parameter] - own + self.kinds[parameter]

    def beside_below(self, node: str, index: int) -> int:
        """How many terms an input's cotangent has beside a node's own."""
        return self.below[node, index]


@lru_cache
def sums_of(network: Network, samples: int) -> Sums:
    """The counts for a network and the size of a batch.

    Each factor of the coefficient costs two roundings: to represent it, and to multiply by it. A
    sum may be a mean, times the count: one more. (So are Keras's losses, which take the mean of the
    outputs.) A power of two is exact each time.
    """
    loss, rows = network.loss, network.rows(samples)
    coefficient = 2 * rounds(loss.scale)
    enlargement = max(1.0, abs(loss.scale))
    axes: list[tuple[int, str]] = [(rows, loss.batch)]
    if loss.batch in ("samples", "valid"):  # or the mean of all rows, times rows by what is counted
        coefficient += 2 * rounds(samples) if loss.batch == "samples" else 2
    if not network.loss_function.BY_ROW:
        axes.append((network.outputs, loss.outputs))
    for count, reduction in axes:
        coefficient += (2 if reduction == "mean" else 3) * rounds(count)
        if reduction == "sum":
            enlargement *= count
    own = {
        (node.name, name): (network.uses[node.name][name].parameter, terms)
        for node in network.nodes
        for name, terms in node.layer.gradient_summands(samples, *network.shapes_into(node)).items()
    }
    summands = dict.fromkeys(network.parameters, 0)
    for parameter, terms in own.values():
        summands[parameter] += terms
    return Sums(
        coefficient,
        enlargement,
        {name: len(network.penalty_on(name).orders()) for name in network.parameters},
        {name: parameter.size for name, parameter in network.parameters.items()},
        summands,
        own,
        terms_beside(network),
    )


def terms_beside(network: Network) -> dict[tuple[str, int], int]:
    """By node and input, how many terms other nodes add to the cotangent of that input."""
    terms = {
        (node.name, index): count
        for node in network.nodes
        for index, count in enumerate(node.layer.summands(*network.shapes_into(node)))
    }
    total: dict[str, int] = {}
    for node in network.nodes:
        for index, source in enumerate(node.inputs):
            total[source] = total.get(source, 0) + terms[node.name, index]
    return {
        (node.name, index): total[source] - terms[node.name, index]
        for node in network.nodes
        for index, source in enumerate(node.inputs)
    }


def rounds(factor: float) -> bool:
    """Whether a product with it, or with its reciprocal, may be inexact."""
    return frexp(abs(factor))[0] != 0.5


@lru_cache(maxsize=16)
def data_terms(loss: LossFunction, batch: Batch) -> int:
    """How many terms, all of one sign, samples and outputs add to a loss of that kind."""
    return loss.terms(batch.targets.reshape(-1, batch.targets.shape[-1]))

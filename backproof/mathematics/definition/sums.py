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
from math import frexp, prod

from backproof.mathematics.losses import LossFunction
from backproof.mathematics.network.network import Network
from backproof.mathematics.network.parameters import Batch

# To hold a penalty's coefficient and to apply it; and two for a part that it has in common with
# that of the loss, as in (Σ loss + λ/2·ΣW²)/n.
PENALTY = 4


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

    @property
    def penalties(self) -> int:
        """How many terms the penalties add to the loss."""
        return sum(self.kinds[name] * size for name, size in self.sizes.items())


@lru_cache
def sums_of(network: Network, samples: int) -> Sums:
    """The counts for a network and the size of a batch.

    Of the coefficient's parts, a mean and the scale round twice each: 1/n or the scale is held, and
    applied. A sum may be a mean, times the count: once more. (So are Keras's losses, which take the
    mean of the outputs.) A power of two is exact each time.
    """
    loss, outputs = network.loss, network.fan_out
    coefficient = 2 * rounds(loss.scale)
    enlargement = max(1.0, abs(loss.scale))
    axes = [(samples, loss.batch)]
    if not loss.function.BY_ROW:
        axes.append((outputs, loss.outputs))
    for count, reduction in axes:
        coefficient += (2 if reduction == "mean" else 3) * rounds(count)
        if reduction == "sum":
            enlargement *= count
    penalty = network.penalty
    kinds = bool(penalty.l2) + bool(penalty.l1)
    shapes = network.shapes()
    return Sums(
        coefficient,
        enlargement,
        {name: kinds * (name.endswith("kernel") or penalty.biases) for name in shapes},
        {name: prod(shape) for name, shape in shapes.items()},
    )


def rounds(factor: float) -> bool:
    """Whether a product with it, or with its reciprocal, may be inexact."""
    return frexp(abs(factor))[0] != 0.5


@lru_cache(maxsize=16)
def data_terms(loss: LossFunction, batch: Batch) -> int:
    """How many terms, all of one sign, samples and outputs add to that loss."""
    return loss.terms(batch.targets)

"""dropout: some of what comes in is dropped, by a mask that comes with the batch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeVar

import numpy as np

from backproof.mathematics.checking import check_fields
from backproof.mathematics.errors import UsageError
from backproof.mathematics.latex import decimal
from backproof.mathematics.layers.layer import Choose, Example, Formulas, Layer, Shape, Symbols
from backproof.mathematics.layers.layer import fitting as unfit
from backproof.mathematics.layers.own import At, Change, LayerFault, LayerProbe, instead
from backproof.mathematics.layers.port import Port

if TYPE_CHECKING:
    from backproof.mathematics.layers.here import Here

T = TypeVar("T")


@dataclass(frozen=True)
class Dropout(Layer):
    """a = x ⊙ m/(1 − p) in training, m being 0 where an input is dropped and 1 where it is kept.

    The mask is ``batch.masks["dropout_1"]``, by the node's name, in the shape of what comes in; one
    that the batch lacks is drawn from a fixed seed. ``p`` is the chance ``of`` an input to "drop",
    or to "keep"; without ``inverted`` nothing is divided. Source: Srivastava and others, Dropout,
    Journal of Machine Learning Research 15, 2014.
    """

    p: float = 0.5
    of: Literal["drop", "keep"] = "drop"
    inverted: bool = True

    kind: ClassVar[str] = "dropout"
    faults: ClassVar[tuple[LayerFault, ...]] = (
        LayerFault(
            "mask_not_applied_backwards",
            "the cotangent goes back to what was dropped, too",
            "x̄ = ḡ ⊙ m/(1 − p)",
            lambda at: backwards(at, lambda s, g: scaled(at, s, g, 1)),
        ),
        LayerFault(
            "nothing_backwards",
            "the cotangent goes back as it comes, without mask and factor",
            "x̄ = ḡ ⊙ m/(1 − p)",
            lambda at: {at.back[0]: instead(at.arriving)} if at.back[0] else {},
        ),
        LayerFault(
            "factor_forgotten_backwards",
            "the cotangent goes back without the factor 1/(1 − p)",
            "x̄ = ḡ ⊙ m/(1 − p)",
            lambda at: (
                backwards(at, lambda s, g: s.ops.multiply(g, mask_of(at, s)))
                if dropout_of(at).inverted
                else {}
            ),
        ),
        LayerFault(
            "factor_twice_backwards",
            "the cotangent is divided by 1 − p twice",
            "x̄ = ḡ ⊙ m/(1 − p)",
            lambda at: (
                backwards(at, lambda s, g: s.ops.multiply(scaled(at, s, g, 2), mask_of(at, s)))
                if dropout_of(at).inverted
                else {}
            ),
        ),
        LayerFault(
            "factor_twice",
            "what is kept is divided by 1 − p twice, forwards alone",
            "a = x ⊙ m/(1 − p)",
            lambda at: (
                {f"activation/{at.name}": lambda value, s: scaled(at, s, value, 1)}
                if dropout_of(at).inverted
                else {}
            ),
        ),
        LayerFault(
            "mask_not_applied",
            "nothing is dropped, forwards alone",
            "a = x ⊙ m/(1 − p)",
            lambda at: {
                f"activation/{at.name}": lambda value, s: scaled(at, s, s.values[at.sources[0]], 1)
            },
        ),
        LayerFault(
            "factor_left_out",
            "what is kept is not divided by 1 − p, or is where it should not be, both ways",
            "a = x ⊙ m/(1 − p)",
            lambda at: with_power(at, -1 if dropout_of(at).inverted else None),
            "convention",
        ),
        LayerFault(
            "factor_of_the_other_chance",
            "what is kept is divided by p, the chance to drop, not by 1 − p, both ways",
            "a = x ⊙ m/(1 − p)",
            lambda at: other_chance(at),
            "convention",
        ),
        LayerFault(
            "dropped_kept",
            "the mask is taken the other way round: what is kept is dropped, both ways",
            "a = x ⊙ m/(1 − p)",
            lambda at: by_mask(at, turned_round),
            "convention",
        ),
        LayerFault(
            "mask_of_the_first_sample",
            "one mask, that of the first sample, is used for all",
            "a = x ⊙ m/(1 − p), m of each sample its own",
            lambda at: by_mask(at, of_the_first),
            "convention",
        ),
    )
    hostile: ClassVar[tuple[LayerProbe, ...]] = (
        LayerProbe("all_kept", lambda at, parameters, inputs, stream: None, np.ones_like),
        LayerProbe("all_dropped", lambda at, parameters, inputs, stream: None, np.zeros_like),
        LayerProbe(
            "one_sample_dropped",
            lambda at, parameters, inputs, stream: None,
            lambda mask: first_dropped(mask),
        ),
    )

    def __post_init__(self) -> None:
        check_fields(self)
        if not 0 < self.p < 1:
            raise UsageError(
                f"Dropout(p={self.p!r}): give a chance between 0 and 1, to {self.of} an input"
            )

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (
            (cls(), ((4,),)),
            (cls(0.2), ((2, 3),)),
            (cls(0.7, "keep"), ((3, 4),)),
            (cls(0.3, inverted=False), ((5,),)),
        )

    @classmethod
    def drawn(cls, choose: Choose, *came: Shape) -> Dropout | None:
        if len(came) != 1 or not came[0]:
            return None
        ways: tuple[Literal["drop", "keep"], ...] = ("drop", "drop", "keep")
        return cls(choose((0.5, 0.2, 0.3)), choose(ways), choose((True, True, False)))

    @property
    def kept(self) -> float:
        """The chance of an input to be kept."""
        return self.p if self.of == "keep" else 1 - self.p

    @property
    def factor(self) -> Fraction:
        """What the kept ones are multiplied by, as exactly as p is given."""
        keep = Fraction(self.p) if self.of == "keep" else 1 - Fraction(self.p)
        return 1 / keep if self.inverted else Fraction(1)

    @property
    def roundings(self) -> int:
        """How many roundings the factor takes: p counts p/(1 − p) times, then 1 − p, 1/(1 − p)."""
        if not self.inverted:
            return 0
        return 2 + (ceil(self.p / (1 - self.p)) if self.of == "drop" else 0)

    def output(self, *inputs: Shape) -> Shape:
        if len(inputs) != 1 or not inputs[0]:
            raise unfit(self.kind, "one input of at least one axis", *inputs)
        return inputs[0]

    def mask(self, *inputs: Shape) -> Shape:
        return inputs[0]

    def applied(self, ops: Any, x: Any, mask: Any) -> Any:
        """x ⊙ m/(1 − p)."""
        kept = ops.multiply(x, mask)
        if not self.inverted:
            return kept
        return ops.multiply(kept, ops.constant(self.factor, kept, self.roundings))

    def forward(self, here: Here[T], *inputs: T) -> T:
        applied: T = self.applied(here.ops, inputs[0], here.site("mask", here.mask()))
        return applied

    def backward(self, here: Here[T], cotangent: T, *inputs: T) -> tuple[T | None, ...]:
        """x̄ = ḡ ⊙ m/(1 − p)."""
        return (here.passed(self.applied(here.ops, cotangent, here.value("mask"))),)

    def products(self, *inputs: Shape) -> int:
        return 0

    def summary(self) -> str:
        """``dropout 0.2``, and how it is scaled where that is not usual."""
        keeping = " to keep" if self.of == "keep" else ""
        return f"{self.kind} {self.p:g}{keeping}{'' if self.inverted else ' not scaled'}"

    def latex(self, symbols: Symbols) -> Formulas:
        x, i, g = symbols.inputs[0], symbols.number, symbols.arriving
        keep = decimal(self.p) if self.of == "keep" else f"1 - {decimal(self.p)}"
        by = rf"\frac{{1}}{{{keep}}} " if self.inverted else ""
        return Formulas(
            forward=rf"A_{{{i}}} = {by}{x} \odot M_{{{i}}}",
            delta="",
            cotangents=(rf"{by}{g} \odot M_{{{i}}}",),
            gradients={},
        )

    def keras(self, *inputs: Shape) -> Port:
        import keras

        def make(bare: bool, regularizers: Mapping[str, Any]) -> Any:
            return keras.layers.Dropout(1 - self.kept)

        return Port(make, keras.layers.Dropout, masked=self._masked)

    def torch(self, *inputs: Shape) -> Port:
        from torch import nn

        return Port(lambda bare: nn.Dropout(1 - self.kept), nn.Dropout, masked=self._masked)

    def jax(self, *inputs: Shape) -> Port:
        return Port(lambda bare: lambda parameters, x: self._masked(parameters["mask"], x))

    def _masked(self, mask: Any, x: Any) -> Any:
        """What a framework computes with its random numbers, of the mask given."""
        return x * mask * (1 / self.kept) if self.inverted else x * mask


def dropout_of(at: At) -> Dropout:
    """The layer of a node."""
    assert isinstance(at.layer, Dropout)
    return at.layer


def mask_of(at: At, scope: Any) -> Any:
    """The node's mask."""
    return scope.values[f"mask/{at.name}"]


def scaled(at: At, scope: Any, x: Any, power: int) -> Any:
    """x times the factor, so many times."""
    factor = dropout_of(at).factor ** power
    return scope.ops.multiply(x, scope.ops.constant(factor, x, 4))


def backwards(at: At, rule: Any) -> dict[str, Change]:
    """Another x̄, of the scope and the cotangent."""
    if not at.back[0]:
        return {}
    return {at.back[0]: lambda value, s: rule(s, s.values[at.arriving])}


def with_power(at: At, power: int | None) -> dict[str, Change]:
    """Both ways as they are, times the factor so often; None: times 1/(1 − p), of what has none."""
    layer = dropout_of(at)
    factor = 1 / Fraction(layer.kept) if power is None else layer.factor**power
    return times(at, factor)


def times(at: At, factor: Fraction) -> dict[str, Change]:
    """Both ways as they are, times a number."""

    def change(value: Any, s: Any) -> Any:
        return s.ops.multiply(value, s.ops.constant(factor, value, 4))

    return {site: change for site in (f"activation/{at.name}", at.back[0]) if site}


def other_chance(at: At) -> dict[str, Change]:
    """Divided by p where 1 − p belongs; nothing at p = ½, or where nothing is divided."""
    layer = dropout_of(at)
    keep = Fraction(layer.kept)
    if not layer.inverted or layer.p == 0.5:
        return {}
    return times(at, keep / (1 - keep))


def by_mask(at: At, other: Any) -> dict[str, Change]:
    """Both ways with another mask: ``other(ops, mask)``."""

    def forwards(value: Any, s: Any) -> Any:
        x = s.values[at.sources[0]]
        return dropout_of(at).applied(s.ops, x, other(s.ops, mask_of(at, s)))

    def back(value: Any, s: Any) -> Any:
        g = s.values[at.arriving]
        return dropout_of(at).applied(s.ops, g, other(s.ops, mask_of(at, s)))

    found: dict[str, Change] = {f"activation/{at.name}": forwards}
    return {**found, at.back[0]: back} if at.back[0] else found


def turned_round(ops: Any, mask: Any) -> Any:
    """1 − m."""
    return ops.subtract(ops.constant(1, mask, 0), mask)


def of_the_first(ops: Any, mask: Any) -> Any:
    """The first sample's, for all."""
    places = np.arange(int(np.prod(mask.shape[1:]))).reshape(1, *mask.shape[1:])
    return ops.gather(mask, np.broadcast_to(places, mask.shape))


def first_dropped(mask: Any) -> Any:
    """The mask, with nothing kept of the first sample."""
    found = np.array(mask)
    found[0] = 0
    return found


PART = Dropout

"""Every kind of layer, by its own examples: one that is new is tested by being there.

Backward passes are held against certified central differences of the forward pass; see
`tests/mathematics/arithmetic/test_definition_differences.py` for why those prove it.
"""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import permutations
from typing import Any

import numpy as np
import pytest
from flint import arb

from backproof.mathematics.arithmetic.balls.operations import BallOps
from backproof.mathematics.arithmetic.certified import CertifiedOps, certify
from backproof.mathematics.arithmetic.floating import Float
from backproof.mathematics.arithmetic.rounding.model import Rounding
from backproof.mathematics.derivation.derivation import Derivation, derived
from backproof.mathematics.layers import kinds
from backproof.mathematics.layers.kinds import LAYERS
from backproof.mathematics.network.network import Network
from tests.mathematics.arithmetic.ball_networks import precision
from tests.mathematics.layers.around import Alone, Case, Point, cases, counted, network, point

H = arb(2) ** -120
NEGLIGIBLE = arb(2) ** -400
EACH = pytest.mark.parametrize("case", cases(), ids=str)
DTYPES = pytest.mark.parametrize("dtype", ["float64", "float32"])


def test_every_kind_has_examples() -> None:
    assert [kind for kind in LAYERS.names() if not LAYERS.get(kind).examples()] == []


@EACH
def test_shapes_are_as_it_says(case: Case) -> None:
    at = point(case)
    found = Alone(Float(), case.layer, at).all()
    assert found["out"].shape == (len(at.arriving), *case.layer.output(*case.shapes))
    for index, x in enumerate(at.inputs):
        if index not in counted(case.layer):
            assert found[f"input {index}"].shape == x.shape
    for name, parameter in case.layer.parameters(*case.shapes).items():
        assert found[f"gradient {name}"].shape == parameter.shape


@EACH
def test_it_counts_an_input_and_a_parameter_each(case: Case) -> None:
    parameters = case.layer.parameters(*case.shapes)
    assert len(case.layer.summands(*case.shapes)) == len(case.shapes)
    assert case.layer.gradient_summands(3, *case.shapes).keys() == parameters.keys()
    assert len(case.shapes) > 1 or not case.layer.several


@DTYPES
@EACH
def test_what_code_computes_lies_within_its_balls(case: Case, dtype: str) -> None:
    at, rounding = point(case, dtype), Rounding.of(dtype)
    truths = certify(lambda ops: Alone(ops, case.layer, at).all(), rounding.unit)
    balls = Alone(BallOps(rounding), case.layer, at).all()
    computed = Alone(Float(), case.layer, at).all()
    assert balls.keys() == truths.keys() == computed.keys()
    for name, truth in truths.items():
        radius = np.zeros(truth.high.shape) if balls[name].radius is None else balls[name].radius
        for value in (computed[name].astype(float), balls[name].value):
            assert (truth.error(value) <= radius + truth.radius).all(), name


def moved(at: Point, name: str, index: tuple[int, ...], by: arb) -> Point:
    """The point with one number of it, an input's or a parameter's, moved."""
    what, _, which = name.partition(" ")
    inputs, parameters = list(at.inputs), dict(at.parameters)
    place: Any = inputs if what == "input" else parameters
    key: Any = int(which) if what == "input" else which
    place[key] = place[key].astype(object)
    place[key][index] = arb(place[key][index]) + by
    return replace(at, inputs=inputs, parameters=parameters)


def below_it(layer: Any, at: Point) -> arb:
    """⟨ḡ, forward⟩, of which the backward pass gives the gradient."""
    out = Alone(CertifiedOps(), layer, at).forward()
    arriving = map(arb, at.arriving.ravel().tolist())
    return sum((g * a for g, a in zip(arriving, out.entries, strict=True)), arb(0))


def difference(layer: Any, at: Point, name: str, index: tuple[int, ...], h: arb) -> arb:
    ends = [below_it(layer, moved(at, name, index, side)) for side in (h, -h)]
    return (ends[0] - ends[1]) / (2 * h)


@EACH
def test_backwards_is_the_derivative_of_forwards(case: Case) -> None:
    at = point(case)
    with precision(768):
        found = Alone(CertifiedOps(), case.layer, at).all()
        found = {name: each for name, each in found.items() if name.startswith(("in", "gr"))}
        for name, value in found.items():
            for index, slope in zip(np.ndindex(value.shape), value.entries, strict=True):
                near, far = (difference(case.layer, at, name, index, h) for h in (H, 2 * H))
                assert abs(near - slope) <= abs(far - near) + NEGLIGIBLE, (name, index)
                assert abs(far - near) < 2**-200
            zero = name.removeprefix("gradient ") in case.layer.vanishing(*case.shapes)
            size = max(map(abs, value.entries))
            assert size < 2**-400 if zero else size > 0.01  # something was compared


def test_a_wrong_backward_pass_is_not_the_derivative() -> None:
    """The differences would see a relative error of 2⁻¹⁸⁰."""
    case = cases()[0]
    at = point(case)
    with precision(768):
        slope = Alone(CertifiedOps(), case.layer, at).all()["input 0"].entries[0]
        off = abs(difference(case.layer, at, "input 0", (0, 0), H) - slope * (1 + arb(2) ** -180))
        assert off > abs(slope) * arb(2) ** -181


JOINING = [
    case
    for case in cases()
    if case.layer.several
    and len(set(case.shapes)) == 1
    and case.layer.kind not in ("concatenate", "attention")
]


@DTYPES
@pytest.mark.parametrize("case", JOINING, ids=str)
def test_what_joins_inputs_may_take_them_in_any_order(case: Case, dtype: str) -> None:
    """Of large terms that cancel, which an order may round far more than another."""
    at, rounding = point(case, dtype), Rounding.of(dtype)
    at.inputs[0] = at.inputs[0] * 1000
    at.inputs[-1] = at.inputs[-1] / 3 - at.inputs[0]
    truths = certify(lambda ops: {"out": Alone(ops, case.layer, at).forward()}, rounding.unit)
    radius = Alone(BallOps(rounding), case.layer, at).forward().radius
    for order in permutations(at.inputs):
        turned = replace(at, inputs=list(order))
        computed = Alone(Float(), case.layer, turned).forward().astype(float)
        assert (truths["out"].error(computed) <= radius).all()


@EACH
def test_it_survives_json(case: Case) -> None:
    for written, read in ((case.layer, kinds), (network(case), Network)):
        plain = written.to_json() if read is Network else kinds.to_json(case.layer)
        assert read.from_json(json.loads(json.dumps(plain))) == written  # type: ignore[attr-defined]


@EACH
def test_its_derivation_is_told(case: Case) -> None:
    of = network(case)
    told, by_node = derived(of), Derivation(of)
    formulas = by_node.formulas(of.nodes[-2])
    assert len(formulas.cotangents) == len(case.shapes)
    assert formulas.gradients.keys() == case.layer.parameters(*case.shapes).keys()
    cotangents = [
        each for i, each in enumerate(formulas.cotangents) if i not in counted(case.layer)
    ]
    for formula in (formulas.forward, *cotangents, *formulas.gradients.values()):
        assert formula
        assert formula in told
    assert told.count("{") == told.count("}")
    assert told.count("(") == told.count(")")
    assert "| here |" in told

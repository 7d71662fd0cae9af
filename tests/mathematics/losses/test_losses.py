"""Losses as parts: by name and with fields, from JSON and TOML, one of one's own, their twins."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from backproof import Dense, GradientDescent, Loss, Network, UsageError
from backproof.implementations import frameworks
from backproof.implementations.frameworks import torch_twin
from backproof.mathematics import losses
from backproof.mathematics.arithmetic.balls.ball import Ball
from backproof.mathematics.arithmetic.balls.operations import BallOps
from backproof.mathematics.arithmetic.certified import Certified, CertifiedOps, truth
from backproof.mathematics.arithmetic.floating import Float
from backproof.mathematics.arithmetic.rounding.model import Rounding
from backproof.mathematics.definition.evaluate import evaluate
from backproof.mathematics.losses import LossFunction
from backproof.mathematics.network import network_file
from backproof.mathematics.probes.drawn import drawn_batch, drawn_parameters
from backproof.mathematics.registry import register


@dataclass(frozen=True)
class Fourth(LossFunction):
    """A loss that only this test knows: weight · (a − y)⁴."""

    weight: float = 1.0
    halved: bool = False

    name: ClassVar[str] = "fourth"
    ACTIVATION: ClassVar[str | None] = None
    BY_ROW: ClassVar[bool] = False
    DECISION: ClassVar[Any] = None
    LABELS: ClassVar[tuple[float, float] | None] = None

    def latex(self) -> tuple[str, str, str]:
        return "w (A - Y)^4", "4 w (A - Y)^3", ""

    def value(self, z: Any, a: Any, y: Any) -> tuple[Any, Any]:
        d = a - y
        return self.weight * d**4, 4 * self.weight * d**3

    def ball(self, z: Ball, a: Ball, y: Ball, rounding: Rounding) -> tuple[Ball, Ball]:
        d = a.minus(y, rounding)
        cube = d.times(d, rounding).times(d, rounding)
        weight = Ball(np.full_like(d.value, self.weight), None)
        return (
            weight.times(cube.times(d, rounding), rounding),
            weight.times(cube, rounding).doubled().doubled(),
        )

    def certified(self, z: Certified, a: Certified, y: Certified) -> tuple[Certified, Certified]:
        d = a.zip(lambda p, t: p - t, y)
        return d.map(lambda x: self.weight * x**4), d.map(lambda x: 4 * self.weight * x**3)

    def check_targets(self, y: Any) -> str | None:
        return None

    def terms(self, y: Any) -> int:
        return int(y.size)

    def torch(self) -> Any:
        return lambda a, y: self.weight * (a - y) ** 4


@pytest.fixture
def fourth(monkeypatch: pytest.MonkeyPatch) -> type[Fourth]:
    monkeypatch.setattr(losses.PARTS, "_entered", {})
    return register("loss")(Fourth)


# --- one of one's own --------------------------------------------------------------------------


def test_a_loss_of_ones_own_is_a_loss_like_any_other(fourth: type[Fourth]) -> None:
    assert "fourth" in losses.names()
    network = Network((Dense(3, 2, "tanh"),), Loss(fourth(weight=0.3), scale=2.0))
    assert network.loss.kind == "fourth"
    assert Network.from_json(json.loads(json.dumps(network.to_json()))) == network
    stream = np.random.default_rng(1)
    parameters, batch = drawn_parameters(network, stream), drawn_batch(network, stream, 5)
    rounding = Rounding.declared(frameworks.traits("torch"), "float64")
    balls = evaluate(BallOps(rounding), network, parameters, batch)
    exact = evaluate(CertifiedOps(), network, parameters, batch)
    found = evaluate(Float(), network, parameters, batch)
    twin = torch_twin.open_twin(None, network, GradientDescent(0.1), "float64")
    reply = twin.evaluate(parameters, batch, ["activation", "loss", "gradient", "updated"])
    for name, ball in balls.items():
        for value in (found[name], reply[name]):
            assert (truth(exact[name]).error(np.asarray(value)) <= ball.radius).all(), name
        assert np.max(ball.radius) < 1e-13


def test_a_twin_that_a_loss_does_not_have_is_said_to_be_missing(fourth: type[Fourth]) -> None:
    for framework in ("keras", "jax"):
        with pytest.raises(
            UsageError, match=f"loss 'fourth' has no {framework} twin: give a model"
        ):
            losses.twin(fourth(), framework)
    assert losses.twin(fourth(2.0), "torch")(3.0, 1.0) == 32


# --- names and fields --------------------------------------------------------------------------


def test_a_name_is_checked() -> None:
    with pytest.raises(UsageError, match="no loss 'sqared'; there are absolute_error, "):
        Loss("sqared")
    for wrong in (Fourth, 3):
        with pytest.raises(UsageError, match="give a name, or an instance of a loss's class"):
            Loss(wrong)  # type: ignore[arg-type]
    with pytest.raises(
        UsageError, match="Loss\\(\\) needs its kind; there are absolute_error, binary_cross_ent"
    ):
        Loss()


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"weigth": 1.0}, "loss 'fourth' has no field 'weigth'; it has weight, halved"),
        ({"weight": "2"}, r"fourth\(weight='2'\): give a finite number"),
        ({"weight": np.inf}, r"fourth\(weight=inf\): give a finite number"),
        ({"weight": True}, r"fourth\(weight=True\): give a finite number"),
        ({"halved": 1.0}, r"fourth\(halved=1.0\): give True or False"),
    ],
)
def test_fields_are_checked(fourth: type[Fourth], fields: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        losses.named("fourth", **fields)
    assert losses.named("fourth", weight=2, halved=True) == fourth(2, halved=True)


def test_a_loss_without_fields_takes_none() -> None:
    with pytest.raises(UsageError, match="loss 'hinge' has no field 'margin'; it has none"):
        losses.named("hinge", margin=2.0)


def test_a_loss_is_replaced_in_part(fourth: type[Fourth]) -> None:
    """Its fields stay, unless its kind is replaced."""
    loss = Loss(fourth(3.0), "sum")
    assert replace(loss, batch="mean").function == fourth(3.0)
    assert replace(loss, kind="hinge") == Loss("hinge", "sum")  # type: ignore[call-arg]
    assert loss == Loss(fourth(3.0), "sum") != Loss("fourth", "sum")
    assert hash(loss) == hash(Loss(fourth(3.0), "sum"))


# --- JSON and TOML -----------------------------------------------------------------------------


def test_the_json_of_a_loss_without_fields_is_what_it_always_was() -> None:
    loss = Loss("squared_error", "sum", scale=0.5)
    written = '{"kind": "squared_error", "batch": "sum", "outputs": "sum", "scale": 0.5}'
    assert json.dumps(loss.to_json()) == written
    assert Loss.from_json(json.loads(written)) == loss


def test_the_json_of_a_loss_with_fields_is_a_table(fourth: type[Fourth]) -> None:
    loss = Loss(fourth(2.5))
    assert loss.to_json()["kind"] == {"name": "fourth", "weight": 2.5, "halved": False}
    assert Loss.from_json(loss.to_json()) == loss


TOML = """
[[layers]]
fan_in = 2
fan_out = 1
[loss]
kind = %s
"""


def test_a_loss_in_toml_is_a_name_or_a_table(fourth: type[Fourth], tmp_path: Path) -> None:
    path = tmp_path / "network.toml"
    for written, loss in (
        ('"hinge"', Loss("hinge")),
        ('{ name = "fourth", weight = 2.0 }', Loss(fourth(2.0))),
    ):
        path.write_text(TOML % written)
        assert network_file.load(path)[0].loss == loss
    path.write_text(TOML % "{ weight = 2.0 }")
    with pytest.raises(UsageError, match="loss needs a name"):
        network_file.load(path)


# --- targets -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "targets", "said"),
    [
        ("binary_cross_entropy", [[0.0, 1.5]], "target 1.5 is not in [0, 1]"),
        ("binary_cross_entropy", [[-0.25, 1.0]], "target -0.25 is not in [0, 1]"),
        (
            "categorical_cross_entropy",
            [[0.0, 1.0], [1.0, 1.0]],
            "row 1 of the targets is [1.0, 1.0], which does not sum to 1: give one_hot",
        ),
        ("hinge", [[1.0, 0.0]], "target 0.0 is neither −1 nor 1"),
    ],
)
def test_bad_targets_are_told(kind: str, targets: list[list[float]], said: str) -> None:
    loss, good = losses.named(kind), np.array([[0.0, 1.0]] if kind != "hinge" else [[1.0, -1.0]])
    own = loss.of_outputs()
    for each in (loss, own):
        assert each is not None
        assert each.check_targets(np.array(targets)) == said
        assert each.check_targets(good) is None


@pytest.mark.parametrize("kind", ["squared_error", "inner_product"])
def test_any_number_is_a_target_of_some(kind: str) -> None:
    assert losses.named(kind).check_targets(np.array([[-1e9, 0.0, 3.5]])) is None

"""Nesterov's momentum with the gradient ahead, by hand: right in every unit, mistakes are named."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from backproof import Dense, GradientDescent, Loss, Nesterov, Network, Penalty, UsageError, verify
from backproof.mathematics.network.parameters import Batch, Parameters
from backproof.mathematics.optimizers import from_json, to_json
from backproof.mathematics.optimizers.clipped import Clipped
from backproof.mathematics.optimizers.scheduled import Scheduled
from tests.halves import slow_but

NETWORK = Network((Dense(4, 6, "tanh"), Dense(6, 2)), Loss("squared_error"), Penalty(l2=0.01))
RATE, MU = 0.1, 0.9
UNITS = {"gradient": -RATE, "step": 1.0, "change": -1.0}


def gradients(p: Parameters, batch: Batch) -> dict[str, Any]:
    w1, b1, w2, b2 = (p[f"dense_{k}/{n}"] for k in (1, 2) for n in ("kernel", "bias"))
    hidden = np.tanh(batch.inputs @ w1 + b1)
    delta = 2 * (hidden @ w2 + b2 - batch.targets) / len(batch.inputs)
    back = delta @ w2.T * (1 - hidden**2)
    return {
        "dense_1/kernel": batch.inputs.T @ back + 0.02 * w1,
        "dense_1/bias": back.sum(axis=0),
        "dense_2/kernel": hidden.T @ delta + 0.02 * w2,
        "dense_2/bias": delta.sum(axis=0),
    }


def by_hand(unit: str, ahead: float = MU, start: float = 0.0) -> Callable[..., Parameters]:
    """``ahead``: by how many velocities the gradient is; ``start``: and where the step goes on."""

    def subject(state: Parameters, batch: Batch) -> Parameters:
        sign, given = UNITS[unit], {}
        own = gradients(state, batch)
        velocities = {name: state[f"velocity/{name}"] for name in own}
        g = gradients({n: state[n] + sign * ahead * v for n, v in velocities.items()}, batch)
        for name, old in velocities.items():
            factor = {"gradient": 1.0, "step": -RATE, "change": RATE}[unit]
            velocity = MU * old + factor * g[name]
            given[f"gradient/{name}"] = own[name]
            given[f"updated/velocity/{name}"] = velocity
            given[f"updated/{name}"] = state[name] + sign * start * old + sign * velocity
        return given

    return subject


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("reference", slow_but(["torch"], ["torch", "keras", "jax"], 10))
def test_a_right_step_matches(unit: Any, reference: str) -> None:
    for dtype in ("float64", "float32"):
        found = verify(
            NETWORK,
            by_hand(unit),
            references=[reference],
            optimizer=Nesterov(RATE, MU, velocity=unit),
            dtype=dtype,
        )
        assert str(found.status) in ("MATCH", "AT-FAULT"), found.cause
        # Keras's own momentum holds its coefficients in float32.
        assert (str(found.status) == "AT-FAULT") == ((reference, dtype) == ("keras", "float64"))


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"ahead": 0.0}, "the gradient is taken at W, not ahead of it: this is plain momentum"),
        ({"ahead": 1.0}, "the gradient is taken ahead by the whole velocity"),
        ({"ahead": -MU}, "the gradient is taken behind W"),
        ({"start": MU}, "the step goes on from the parameters that are ahead, not from W"),
    ],
)
def test_a_wrong_step_is_named(fields: dict[str, float], told: str) -> None:
    optimizer = Nesterov(RATE, MU, velocity="step")
    found = verify(NETWORK, by_hand("step", **fields), references=["torch"], optimizer=optimizer)
    assert str(found.status) == "MISMATCH"
    assert told in found.cause


def test_it_goes_with_others_around_it() -> None:
    clipped = Clipped(Nesterov(0.1), global_norm=1.0)
    assert clipped.AHEAD
    assert from_json(to_json(clipped)) == clipped
    assert Scheduled(Nesterov(0.1, velocity="step")).AHEAD
    assert not Scheduled(GradientDescent(0.1)).AHEAD
    with pytest.raises(UsageError, match="how far ahead its gradient is would change with"):
        Scheduled(Nesterov(0.1))


@pytest.mark.parametrize("fields", [{"nesterov": True}, {"dampening": 0.1}])
def test_what_is_in_it_already_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="its gradient is ahead already"):
        Nesterov(0.1, **fields)

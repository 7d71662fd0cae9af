"""Optimizers step by step against Keras and PyTorch, and what goes wrong with them.

Keras's stock momentum, Adam and AdamW hold coefficients in float32 whatever the dtype: in float64
the reference is at fault, by what that explains, and the subject is judged by PyTorch.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backproof import Adadelta, Adagrad, Adam, AdamW, Momentum, Nadam, RMSprop
from backproof.comparison.bounds.bounds import Bounds
from backproof.comparison.judging.rows import Status, exit_status
from backproof.comparison.pairing.pairing import Pairing
from backproof.comparison.record.record import Point, Record
from backproof.comparison.run import Judged, Workers, verify
from backproof.mathematics.layers.dense import Dense
from backproof.mathematics.network.loss import Loss
from backproof.mathematics.network.network import Network
from backproof.mathematics.network.parameters import Batch, Parameters
from backproof.mathematics.probes.drawn import drawn_batch, drawn_parameters
from tests.gauging.gate.conftest import TODAY
from tests.halves import slow_but
from tests.workers import Shared

NETWORK = Network((Dense(3, 4, "tanh"), Dense(4, 2)), Loss("squared_error"))
Step = Callable[[Any, Any, Any, dict[str, Any], float], tuple[Any, dict[str, Any]]]


def gradients(parameters: Parameters, batch: Batch) -> dict[str, Any]:
    w1, b1, w2, b2 = (parameters[f"dense_{i}/{n}"] for i in (1, 2) for n in ("kernel", "bias"))
    a1 = np.tanh(batch.inputs @ w1 + b1)
    delta2 = 2 * (a1 @ w2 + b2 - batch.targets) / len(batch.inputs)
    delta1 = delta2 @ w2.T * (1 - a1**2)
    return {
        "dense_1/kernel": batch.inputs.T @ delta1,
        "dense_1/bias": delta1.sum(axis=0),
        "dense_2/kernel": a1.T @ delta2,
        "dense_2/bias": delta2.sum(axis=0),
    }


def momentum(o: Any, w: Any, g: Any, s: dict[str, Any], t: float) -> tuple[Any, dict[str, Any]]:
    velocity = o.momentum * s["velocity"] + (1 - o.dampening) * g
    step = g + o.momentum * velocity if o.nesterov else velocity
    return w - o.learning_rate * step, {"velocity": velocity}


def rmsprop(o: Any, w: Any, g: Any, s: dict[str, Any], t: float) -> tuple[Any, dict[str, Any]]:
    v = o.rho * s["mean_square"] + (1 - o.rho) * g**2
    after, spread = {"mean_square": v}, v
    if o.centered:
        after["mean_gradient"] = m = o.rho * s["mean_gradient"] + (1 - o.rho) * g
        spread = v - m**2
    size = np.sqrt(spread + o.epsilon) if o.inside else np.sqrt(spread) + o.epsilon
    step = g / size
    if o.momentum:
        after["velocity"] = step = o.momentum * s["velocity"] + step
    return w - o.learning_rate * step, after


def adagrad(o: Any, w: Any, g: Any, s: dict[str, Any], t: float) -> tuple[Any, dict[str, Any]]:
    total = s["sum_of_squares"] + g**2
    size = np.sqrt(total + o.epsilon) if o.inside else np.sqrt(total) + o.epsilon
    return w - o.learning_rate * g / size, {"sum_of_squares": total}


def adadelta(o: Any, w: Any, g: Any, s: dict[str, Any], t: float) -> tuple[Any, dict[str, Any]]:
    v = o.rho * s["mean_square"] + (1 - o.rho) * g**2
    u = s["mean_square_of_steps"]
    step = np.sqrt((u + o.epsilon) / (v + o.epsilon)) * g
    u = o.rho * u + (1 - o.rho) * step**2
    return w - o.learning_rate * step, {"mean_square": v, "mean_square_of_steps": u}


def adam(o: Any, w: Any, g: Any, s: dict[str, Any], t: float) -> tuple[Any, dict[str, Any]]:
    m = o.beta_1 * s["first_moment"] + (1 - o.beta_1) * g
    v = o.beta_2 * s["second_moment"] + (1 - o.beta_2) * g**2
    after = {"first_moment": m, "second_moment": v}
    if o.amsgrad:
        after["largest_second_moment"] = v = np.maximum(s["largest_second_moment"], v)
    one, two = (1 - o.beta_1**t, 1 - o.beta_2**t) if o.bias_correction else (1.0, 1.0)
    if o.epsilon_at == "raw":
        step = o.learning_rate * np.sqrt(two) / one * m / (np.sqrt(v) + o.epsilon)
    elif o.epsilon_at == "inside":
        step = o.learning_rate * (m / one) / np.sqrt(v / two + o.epsilon)
    else:
        step = o.learning_rate * (m / one) / (np.sqrt(v / two) + o.epsilon)
    decay = getattr(o, "weight_decay", 0.0) if o.decays(w) else 0.0
    w = w - o.learning_rate * decay * w - step
    return w, after


def nadam(o: Any, w: Any, g: Any, s: dict[str, Any], t: float) -> tuple[Any, dict[str, Any]]:
    m = o.beta_1 * s["first_moment"] + (1 - o.beta_1) * g
    v = o.beta_2 * s["second_moment"] + (1 - o.beta_2) * g**2

    def mu(t: float) -> float:
        decay = o.momentum_decay
        return float(o.beta_1 * (1 if decay is None else 1 - 0.5 * 0.96 ** (decay * t)))

    product = float(np.prod([mu(i) for i in range(1, int(t) + 1)]))
    of_next = product * mu(t + 1) if o.next_correction else product
    ahead = mu(t + 1) * m / (1 - of_next) + (1 - mu(t)) * g / (1 - product)
    step = o.learning_rate * ahead / (np.sqrt(v / (1 - o.beta_2**t)) + o.epsilon)
    return w - step, {"first_moment": m, "second_moment": v}


STEPS: dict[str, Step] = {
    "momentum": momentum,
    "rmsprop": rmsprop,
    "adam": adam,
    "adamw": adam,
    "adagrad": adagrad,
    "adadelta": adadelta,
    "nadam": nadam,
}


def stepping(optimizer: Any, step: Step | None = None) -> Callable[..., dict[str, Any]]:
    """A subject with its optimizer written by hand; its step count is one for all parameters."""
    own = step or STEPS[optimizer.name]

    def subject(parameters: Parameters, batch: Batch) -> dict[str, Any]:
        results = {}
        t = float(parameters["step_count"]) + 1 if "step_count" in parameters else 1.0
        for index, (name, g) in enumerate(gradients(parameters, batch).items()):
            slots = {slot: parameters[f"{slot}/{name}"] for slot in optimizer.SLOTS}
            slots["index"] = index
            w, after = own(optimizer, parameters[name], g, slots, t)
            results[f"gradient/{name}"], results[f"updated/{name}"] = g, w
            results |= {f"updated/{slot}/{name}": value for slot, value in after.items()}
        return results

    return subject


@pytest.fixture(scope="module")
def workers(shared: Shared) -> Workers:
    return shared("keras", "torch")


def judged(
    optimizer: Any,
    workers: Workers,
    step: Step | None = None,
    references: dict[str, str | None] | None = None,
    *,
    certified: bool = True,
) -> Judged:
    stream = np.random.default_rng(3)
    batch, parameters = drawn_batch(NETWORK, stream, 10), drawn_parameters(NETWORK, stream)
    pairing = Pairing(
        name="stepping",
        network=NETWORK,
        subject=stepping(optimizer, step),
        data=lambda: batch,
        initial=lambda: parameters,
        optimizer=optimizer,
        references=references or {"keras": None, "torch": None},
        steps=6,
        quantities=("gradient", "updated"),
    )
    (found,) = verify([pairing], workers, TODAY, certified=certified)
    assert isinstance(found, Judged)
    return found


# Others of their forms, and those that are less usual.
FURTHER = (
    Adam(amsgrad=True),
    Adam(amsgrad=True, epsilon_at="inside"),
    AdamW(amsgrad=True, weight_decay=0.1),
    AdamW(weight_decay=0.1, matrices_only=True),
    AdamW(weight_decay=0.1, matrices_only=True, epsilon_at="inside"),
    RMSprop(momentum=0.5),
    RMSprop(centered=True, epsilon=1e-3),
    RMSprop(momentum=0.5, centered=True, inside=True, rho=0.75, epsilon=2.0**-20),
    Adagrad(),
    Adagrad(0.1, inside=True, initial=0.5, epsilon=2.0**-20),
    Adadelta(0.1, rho=0.75, epsilon=2.0**-10),
    Nadam(),
    Nadam(momentum_decay=1.0, beta_1=0.8),
    Nadam(momentum_decay=None),
    Nadam(momentum_decay=None, next_correction=False),
    Momentum(0.1, dampening=0.25),
)
EXACT = (
    Momentum(0.1, 0.75, nesterov=True),
    RMSprop(),
    RMSprop(inside=True, rho=0.75, epsilon=2.0**-20),
    Adam(),
    Adam(epsilon_at="inside"),
    Adam(bias_correction=False),
    AdamW(weight_decay=0.1),
    AdamW(epsilon_at="inside", beta_1=0.5),
    *FURTHER,
)


@pytest.mark.parametrize("optimizer", EXACT, ids=str)
def test_a_right_step_matches_both(optimizer: Any, workers: Workers) -> None:
    rows = judged(optimizer, workers).rows
    assert {row.status for row in rows} == {Status.MATCH}
    assert {row.step for row in rows if row.point == "data"} == set(range(6))
    steps = [row for row in rows if row.quantity == "updated" and row.tensor.startswith("dense")]
    weights = [row.power for row in steps if row.power is not None]
    assert max(weights) < 1e-11  # any larger error of a step would be seen


@pytest.fixture(scope="module")
def jax_worker(shared: Shared) -> Workers:
    return shared("jax")


@pytest.mark.parametrize(
    "optimizer",
    slow_but(EXACT[:1], [*EXACT, Momentum(0.1, dampening=0.3), AdamW(epsilon_at="raw")], 1),
    ids=str,
)
def test_a_right_step_matches_jax(optimizer: Any, jax_worker: Workers) -> None:
    rows = judged(optimizer, jax_worker, references={"jax": None}).rows
    assert {row.status for row in rows} == {Status.MATCH}
    wrong = judged(optimizer, jax_worker, twice_as_far, references={"jax": None}).rows
    assert exit_status([row.status for row in wrong]) == 1


def twice_as_far(o: Any, w: Any, g: Any, s: dict[str, Any], t: float) -> tuple[Any, dict[str, Any]]:
    """A step with twice the learning rate."""
    return STEPS[o.name](replace(o, learning_rate=2 * o.learning_rate), w, g, s, t)


@pytest.mark.parametrize(
    "optimizer",
    [
        Momentum(0.1, 0.9),
        Adam(epsilon_at="raw", epsilon=2.0**-27),
        AdamW(epsilon_at="raw", epsilon=2.0**-27, beta_1=0.75, beta_2=0.99, weight_decay=0.1),
    ],
    ids=str,
)
def test_keras_holds_coefficients_in_float32_and_is_named_for_it(
    optimizer: Any, workers: Workers
) -> None:
    found = judged(optimizer, workers)
    rows = found.rows
    assert exit_status([row.status for row in rows]) == 0
    assert {row.status for row in rows if row.reference == "torch"} == {Status.MATCH}
    faulty = [row for row in rows if row.status is Status.AT_FAULT]
    assert {(row.reference, row.quantity) for row in faulty} == {("keras", "updated")}
    for row in faulty:
        assert row.cause.startswith("reference at fault: the subject is within its bound, keras is")
        assert "which coefficients held in float32 explain; the subject matches torch" in row.cause
    assert any(row.cause.endswith("and the certified value") for row in faulty)
    # Each is off by what float32 leaves of a coefficient, times what that multiplies.
    bounds = Bounds(found.record)
    for row in faulty:
        point = Point(row.point, row.step)
        keras, subject = (
            found.record.evaluations[who][point][row.name] for who in ("keras", "subject")
        )
        expected = kept_in_float32(optimizer, row.tensor, found.record, point)
        radius = bounds.at("keras", point).radii[row.name]
        assert (np.abs(keras - subject - expected) <= 2 * radius).all()


def kept_in_float32(optimizer: Any, tensor: str, record: Record, point: Point) -> Any:
    """What Keras's state is off by: its momentum is held in float32, and the β of its powers."""
    state, given = record.parameters[point], record.evaluations["subject"][point]
    if optimizer.name == "momentum":
        off = (
            rounding_of(optimizer.momentum) * state[f"velocity/{tensor.removeprefix('velocity/')}"]
        )
        return off if tensor.startswith("velocity/") else -optimizer.learning_rate * off
    w, t = state[tensor], float(state["step_count"]) + 1
    right, wrong = (
        np.sqrt(1 - (optimizer.beta_2 + two) ** t) / (1 - (optimizer.beta_1 + one) ** t)
        for one, two in (
            (0.0, 0.0),
            (rounding_of(optimizer.beta_1), rounding_of(optimizer.beta_2)),
        )
    )
    decay = getattr(optimizer, "weight_decay", 0.0)
    step = w - given[f"updated/{tensor}"] - optimizer.learning_rate * decay * w
    return -step * (wrong / right - 1) - optimizer.learning_rate * rounding_of(decay) * w


def rounding_of(coefficient: float) -> float:
    """What a coefficient is off by in float32."""
    return float(np.float32(coefficient)) - coefficient


def test_without_another_reference_certified_values_side_with_the_subject(
    workers: Workers,
) -> None:
    rows = judged(Momentum(0.1, 0.9), workers, references={"keras": None}).rows
    assert exit_status([row.status for row in rows]) == 0
    faulty = [row for row in rows if row.status is Status.AT_FAULT]
    assert {row.cause.rpartition("matches ")[2] for row in faulty} == {
        "the certified value",
        "the certified values at other points",
    }


def test_without_either_nobody_does(workers: Workers) -> None:
    keras = {"keras": None}
    rows = judged(Momentum(0.1, 0.9), workers, references=keras, certified=False).rows
    assert exit_status([row.status for row in rows]) == 1
    assert Status.AT_FAULT not in {row.status for row in rows}


def test_a_twin_that_is_wrong_is_no_known_fault(workers: Workers, tmp_path: Path) -> None:
    """Its β₁ is 0.89; PyTorch and the certified values side with the subject, and it fails."""
    model = tmp_path / "twins.py"
    model.write_text(
        "import keras\n"
        "def wrong():\n"
        "    model = keras.Sequential([keras.Input((3,)),\n"
        "        keras.layers.Dense(4, activation='tanh'), keras.layers.Dense(2)])\n"
        "    loss = lambda y, a: 2 * keras.ops.mean(keras.ops.square(y - a))\n"
        "    model.compile(keras.optimizers.Adam(0.001, beta_1=0.89, epsilon=1e-8), loss)\n"
        "    return model\n"
    )
    references = {"keras": f"{model}:wrong", "torch": None}
    rows = judged(Adam(epsilon_at="raw"), workers, references=references).rows
    assert exit_status([row.status for row in rows]) == 1
    wrong = [row for row in rows if row.status is Status.MISMATCH]
    assert {row.reference for row in wrong} == {"keras"}
    assert all(row.cause.startswith("reference at fault") for row in wrong)


def with_changes(**changes: Any) -> Step:
    """A step by other coefficients than those that are declared."""

    def step(o: Any, w: Any, g: Any, s: dict[str, Any], t: float) -> tuple[Any, dict[str, Any]]:
        return STEPS[o.name](replace(o, **changes), w, g, s, t)

    return step


def forgetting(slot: str, step: Step) -> Step:
    """A step that begins with nothing in a slot."""

    def made(o: Any, w: Any, g: Any, s: dict[str, Any], t: float) -> tuple[Any, dict[str, Any]]:
        return step(o, w, g, {**s, slot: 0 * s[slot]}, t)

    return made


def advancing(o: Any, w: Any, g: Any, s: dict[str, Any], t: float) -> tuple[Any, dict[str, Any]]:
    """t goes on with each parameter instead of each step."""
    return adam(o, w, g, s, t + s["index"])


def from_zero(o: Any, w: Any, g: Any, s: dict[str, Any], t: float) -> tuple[Any, dict[str, Any]]:
    """t counts from 0 with the second step, and is 1 in the first one too."""
    return adam(o, w, g, s, max(t - 1, 1))


def coupled(o: Any, w: Any, g: Any, s: dict[str, Any], t: float) -> tuple[Any, dict[str, Any]]:
    """The decay goes through the moments, as an L2 penalty would."""
    return adam(replace(o, weight_decay=0.0), w, g + o.weight_decay * w, s, t)


def old_velocity(o: Any, w: Any, g: Any, s: dict[str, Any], t: float) -> tuple[Any, dict[str, Any]]:
    """The step is made before the velocity is renewed."""
    _, after = momentum(o, w, g, s, t)
    return w - o.learning_rate * s["velocity"], after


def corrected_for_good(
    o: Any, w: Any, g: Any, s: dict[str, Any], t: float
) -> tuple[Any, dict[str, Any]]:
    """The corrected moments are kept for the next step."""
    w, after = adam(o, w, g, s, t)
    return w, {**after, "first_moment": after["first_moment"] / (1 - o.beta_1**t)}


WRONG_STEPS = [
    (Adam(), advancing),
    (Adam(), from_zero),
    (Adam(), corrected_for_good),
    (Adam(), with_changes(epsilon_at="inside")),
    (Adam(), with_changes(epsilon_at="raw")),
    (Adam(), with_changes(bias_correction=False)),
    (Adam(), with_changes(beta_1=0.999, beta_2=0.9)),
    (AdamW(), coupled),
    (AdamW(), with_changes(weight_decay=0.0)),
    (AdamW(), with_changes(matrices_only=True)),
    (AdamW(matrices_only=True), with_changes(matrices_only=False)),
    (RMSprop(), with_changes(inside=True)),
    (RMSprop(), with_changes(rho=0.1)),
    (RMSprop(momentum=0.5), with_changes(momentum=0.4)),
    (RMSprop(centered=True), forgetting("mean_gradient", rmsprop)),
    (Adam(amsgrad=True), forgetting("largest_second_moment", adam)),
    (Adagrad(), with_changes(inside=True)),
    (Nadam(), with_changes(momentum_decay=None)),
    (Nadam(), with_changes(next_correction=False)),
    (Adadelta(), with_changes(rho=0.9)),
    (Momentum(0.1), with_changes(nesterov=True)),
    (Momentum(0.1), with_changes(dampening=0.9)),
    (Momentum(0.1), old_velocity),
]


@pytest.mark.parametrize(("optimizer", "step"), slow_but(WRONG_STEPS[::5], WRONG_STEPS, 0.3))
def test_a_wrong_step_is_a_mismatch(optimizer: Any, step: Step, workers: Workers) -> None:
    rows = judged(optimizer, workers, step).rows
    wrong = [row for row in rows if row.status is Status.MISMATCH]
    assert exit_status([row.status for row in rows]) == 1
    assert {row.reference for row in wrong} == {"keras", "torch"}
    assert {row.quantity for row in wrong} == {"updated"}

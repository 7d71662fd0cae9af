"""The formulas of `backproof explain`, computed as they stand, are those of the definition."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from backproof import (
    Adadelta,
    Adagrad,
    Adam,
    AdamW,
    Batch,
    Dense,
    GradientDescent,
    Loss,
    Momentum,
    Nadam,
    Network,
    Penalty,
    RMSprop,
)
from backproof.mathematics import functions, losses
from backproof.mathematics.arithmetic.balls.operations import BallOps
from backproof.mathematics.arithmetic.rounding.forms import Form
from backproof.mathematics.arithmetic.rounding.model import Rounding
from backproof.mathematics.definition.evaluate import evaluate
from backproof.mathematics.definition.step import step
from backproof.mathematics.derivation.derivation import derived
from backproof.mathematics.network.parameters import Parameters
from backproof.mathematics.optimizers import STEP_COUNT, slot_shapes
from backproof.mathematics.probes.drawn import drawn_batch, drawn_parameters
from tests.mathematics.derivation.latex_reader import computed
from tests.mathematics.losses.ball_outputs import BINARY, CATEGORICAL, of_outputs

named = functions.named
HIDDEN = [
    *("linear", "relu", "leaky_relu", "elu", "selu", "softplus", "gelu", "sigmoid", "tanh"),
    *(named("gelu", approximate=True), named("leaky_relu", alpha=0.3), named("elu", alpha=1.7)),
    *("swish", "mish", "relu6", "hard_sigmoid", named("hard_sigmoid", slope=0.2)),
    "softmax",
]
NETWORKS = [
    *(Network((Dense(3, 4, f), Dense(4, 2)), Loss("squared_error")) for f in HIDDEN),
    *(Network((Dense(3, 4, f),), Loss("squared_error", batch="sum", scale=0.5)) for f in HIDDEN),
    Network((Dense(3, 4, "tanh"), Dense(4, 2, "sigmoid")), Loss("binary_cross_entropy")),
    Network(
        (Dense(3, 4, "relu"), Dense(4, 5, "tanh"), Dense(5, 3, "softmax")),
        Loss("categorical_cross_entropy", batch="sum"),
        Penalty(l2=0.005),
    ),
    Network((Dense(3, 2),), Loss("hinge", outputs="mean"), Penalty(l1=0.03, l2=0.5, biases=True)),
    Network(
        (Dense(3, 4, "sigmoid", bias="scalar"), Dense(4, 2, bias=False)),
        Loss("squared_error", outputs="mean", scale=3.0),
        Penalty(l1=1e-8, biases=True),
    ),
    Network((Dense(3, 4, "tanh"), Dense(4, 3, "softmax")), Loss(of_outputs(BINARY))),
    Network((Dense(3, 3, "sigmoid"),), Loss(of_outputs(CATEGORICAL), batch="sum", scale=0.3)),
    Network((Dense(3, 4, "relu"), Dense(4, 2, "tanh")), Loss("inner_product", outputs="mean")),
    Network((Dense(3, 4, "relu"), Dense(4, 2, "tanh")), Loss("absolute_error", outputs="mean")),
    Network((Dense(3, 4, "relu"), Dense(4, 2)), Loss(losses.named("huber", delta=0.7))),
    Network((Dense(3, 4, "relu"), Dense(4, 2, "sigmoid")), Loss("focal")),
    Network((Dense(3, 2, "sigmoid"),), Loss(losses.named("focal", gamma=1.5, alpha=0.5))),
]
OPTIMIZERS = [
    GradientDescent(0.01),
    Momentum(0.1),
    Momentum(0.1, dampening=0.3),
    Momentum(0.3, 0.75, nesterov=True),
    RMSprop(),
    RMSprop(0.1, rho=0.5, inside=True),
    Adam(),
    Adam(0.1, epsilon_at="raw", epsilon=0.01),
    Adam(epsilon_at="inside"),
    Adam(bias_correction=False),
    AdamW(0.3, weight_decay=0.5),
    Momentum(0.1, velocity="step"),
    Momentum(0.1, 0.75, nesterov=True, velocity="change"),
    Momentum(0.1, 0.75, nesterov=True, velocity="step"),
    Adam(amsgrad=True),
    RMSprop(0.1, momentum=0.5, centered=True),
    RMSprop(0.1, centered=True, inside=True),
    Adagrad(0.1, epsilon=0.01),
    Adagrad(0.1, inside=True, epsilon=0.01),
    Adadelta(0.1, epsilon=0.01),
    Nadam(0.1, epsilon=0.01),
    Nadam(0.1, momentum_decay=None, next_correction=False, epsilon=0.01),
]


def model() -> Rounding:
    """Formulas take the logarithms of probabilities, as they are written."""
    return replace(Rounding.of("float64"), form=Form("probabilities"))


def told(network: Network, parameters: Parameters, batch: Batch, text: str = "") -> dict[str, Any]:
    """What the formulas make of these numbers, under the names that the definition has."""
    symbols: dict[str, Any] = {"X": batch.inputs, "Y": batch.targets, "n": len(batch.inputs)}
    for index in range(1, len(network.layers) + 1):
        for symbol, name in (("W", "kernel"), ("b", "bias")):
            if f"dense_{index}/{name}" in parameters:
                symbols[f"{symbol}_{{{index}}}"] = parameters[f"dense_{index}/{name}"]
    symbols = {name: np.asarray(value, np.longdouble) for name, value in symbols.items()}
    values = computed(text or derived(network), symbols)
    results = {"loss": values["L"]}
    for index in range(1, len(network.layers) + 1):
        results[f"activation/dense_{index}"] = values[f"A_{{{index}}}"]
        results[f"gradient/dense_{index}/kernel"] = values[rf"\partial W_{{{index}}}"]
        if f"dense_{index}/bias" in parameters:
            results[f"gradient/dense_{index}/bias"] = values[rf"\partial b_{{{index}}}"]
    return results


def at_a_point(network: Network) -> tuple[Parameters, Batch]:
    stream = np.random.default_rng(3)
    return drawn_parameters(network, stream), drawn_batch(network, stream, 6)


def fits(network: Network, text: str = "") -> bool:
    """Whether all is within what any float64 code may be off: twice the radius, for the value is
    within one of the exact result, and so are the formulas in extended precision."""
    parameters, batch = at_a_point(network)
    balls = evaluate(BallOps(model()), network, parameters, batch)
    found = told(network, parameters, batch, text)
    assert found.keys() == balls.keys()
    return all(
        bool((np.abs(found[name] - ball.value) <= 2 * ball.radius).all())
        for name, ball in balls.items()
    )


@pytest.mark.parametrize("network", NETWORKS, ids=str)
def test_the_formulas_are_the_definition(network: Network) -> None:
    assert fits(network)


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("(1 - A_{1} \\odot A_{1})", "(1 - A_{1})"),
        ("\\frac{1}{n}(A", "(A"),
        ("+ 0.01\\, W_{2}", "+ 0.005\\, W_{2}"),
        ("W_{2}^\\top", "W_{2}^\\top 1.000000000001"),
        ("\\mathbf{1}^\\top \\Delta_{1}", "\\mathbf{1}^\\top \\Delta_{1} 0.5"),
    ],
)
def test_a_wrong_formula_is_seen(right: str, wrong: str) -> None:
    network = Network(
        (Dense(3, 4, "tanh"), Dense(4, 3, "softmax")),
        Loss("categorical_cross_entropy"),
        Penalty(l2=0.005),
    )
    text = derived(network)
    assert text.count(right) == 1
    assert not fits(network, text.replace(right, wrong))


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=str)
def test_a_step_is_as_told(optimizer: Any) -> None:
    network = Network((Dense(3, 2, bias=False),), Loss("squared_error"))
    parameters, batch = at_a_point(network)
    stream = np.random.default_rng(8)
    drawn = {slot: stream.random((3, 2)) for slot in optimizer.SLOTS}
    slots = {f"{slot}/dense_1/kernel": v for slot, v in optimizer.possible(drawn).items()}
    assert slots.keys() == slot_shapes(network, optimizer).keys()
    state = {**parameters, **slots, STEP_COUNT: np.asarray(4.0)}
    ops = BallOps(model())
    gradients = evaluate(ops, network, parameters, batch)
    after = step(ops, network, state, gradients, optimizer)

    text = derived(network, optimizer=optimizer).split("## One step")[1]
    kept = {"velocity": "v", "mean_square": "v", "first_moment": "m", "second_moment": "v"}
    kept |= {"mean_gradient": "m", "sum_of_squares": "s", "mean_square_of_steps": "u"}
    kept |= {"largest_second_moment": "u"}
    if optimizer.name == "rmsprop":
        kept["velocity"] = "u"
    gradient = told(network, parameters, batch)["gradient/dense_1/kernel"]
    epsilon = getattr(optimizer, "epsilon", 0)
    symbols = {"W": parameters["dense_1/kernel"], "t": 5, "\\varepsilon": epsilon}
    symbols |= {kept[name.split("/")[0]]: value for name, value in slots.items()}
    symbols = {name: np.asarray(value, np.longdouble) for name, value in symbols.items()}
    found = computed(text, symbols | {"\\partial W": gradient})
    names = {"updated/dense_1/kernel": "W"}
    names |= {f"updated/{slot}/dense_1/kernel": kept[slot] for slot in optimizer.SLOTS}
    for name, symbol in names.items():
        off = np.abs(found[symbol] - after[name].value)
        assert (off <= 2 * after[name].radius).all(), name
    if epsilon:
        assert float(found["\\varepsilon"]) == epsilon


def test_the_parameters_are_counted() -> None:
    network = Network((Dense(30, 5, "relu"), Dense(5, 2, bias=False)), Loss("squared_error"))
    text = derived(network, "mine")
    assert text.startswith("# mine\n")
    assert "| dense_1 | (30, 5) | (5,) | relu | 155 |" in text
    assert "| dense_2 | (5, 2) | none | linear | 10 |" in text
    assert "| total | | | | 165 |" in text

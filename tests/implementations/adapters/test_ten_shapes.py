"""Ten pieces of code in ten shapes, as other people write them: all match, their bugs do not.

The files in `foreign/` know nothing of backproof. A bug is an edit of one of them, of the kind that
people make in code of that kind.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import backproof
from backproof import Adam, Dense, Form, Loss, Network, Penalty
from backproof.comparison.judging.rows import Status
from backproof.implementations import adapters
from backproof.mathematics import functions

FOREIGN = Path(__file__).with_name("foreign")
NAMES = ("dense_1/kernel", "dense_1/bias", "dense_2/kernel", "dense_2/bias")
SHORT = dict(zip(NAMES, ("W1", "b1", "W2", "b2"), strict=True))


def loaded(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"foreign_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@dataclass(frozen=True)
class Case:
    """A file, its network, how it is wrapped, and a bug with the tensors that show it."""

    file: str
    network: Network
    wrap: Callable[[Path], Any]
    bug: tuple[str, str]
    shown: set[str]
    cause: str
    options: dict[str, Any] = field(default_factory=dict)


def sample_columns(path: Path) -> Any:
    code = loaded(path)

    def subject(p: Any, batch: Any) -> Any:
        named = {SHORT[n]: a[:, None] if n.endswith("bias") else a for n, a in p.items()}
        cost, hidden, grads = code.propagate(named, batch.inputs, batch.targets)
        results = {f"gradient/{n}": grads[f"d{SHORT[n]}"] for n in p}
        results = {n: r[:, 0] if n.endswith("bias") else r for n, r in results.items()}
        return {"loss": cost, "activation/dense_1": hidden, **results}

    return adapters.declared(
        adapters.transposed(adapters.columns(subject)), form=Form("probabilities")
    )


def unrolled_thetas(path: Path) -> Any:
    code = loaded(path)

    def subject(theta: Any, batch: Any) -> Any:
        return code.cost_function(theta, 3, 4, 3, batch.inputs, batch.targets, 0.01)

    unrolled = adapters.vector(adapters.integer_labels(subject, first=1), order="F")
    biased = adapters.transposed(adapters.bias_in_kernel(unrolled, "first column"))
    return adapters.declared(biased, form=Form("probabilities"))


def one_by_one(path: Path) -> Any:
    code = loaded(path)

    def subject(p: Any, sample: Any) -> Any:
        weights = [p["dense_1/kernel"], p["dense_2/kernel"]]
        biases = [p["dense_1/bias"][:, None], p["dense_2/bias"][:, None]]
        x, y = sample.inputs[:, None], sample.targets[:, None]
        loss, nabla_b, nabla_w = code.Book(weights, biases).backprop(x, y)
        results = {"loss": loss}
        for i in (1, 2):
            results[f"gradient/dense_{i}/kernel"] = nabla_w[i - 1]
            results[f"gradient/dense_{i}/bias"] = nabla_b[i - 1][:, 0]
        return results

    return adapters.transposed(adapters.one_sample(subject, "mean"))


def eleven_lines(path: Path) -> Any:
    code = loaded(path)

    def step(p: Any, batch: Any, rate: float) -> Any:
        trainer = code.Trainer(p["dense_1/kernel"], p["dense_2/kernel"])
        trainer.train(batch.inputs, batch.targets, rate, 0.02)
        return {
            "updated/dense_1/kernel": trainer.syn0,
            "updated/dense_2/kernel": trainer.syn1,
        }

    return adapters.from_step(step)


def from_scratch(path: Path) -> Any:
    code = loaded(path)

    def subject(p: Any, sample: Any) -> Any:
        layers = [p["dense_1/kernel"], p["dense_2/kernel"]]
        found = code.gradients(layers, sample.inputs, sample.targets)
        return {f"gradient/dense_{i}/kernel": found[i - 1] for i in (1, 2)}

    sampled = adapters.one_sample(adapters.lists(subject), "sum")
    turned = adapters.transposed(adapters.bias_in_kernel(sampled, "last column"))
    return adapters.unsaturated(turned)  # math.exp overflows


def two_layer_net(path: Path) -> Any:
    code = loaded(path)

    def subject(p: Any, batch: Any) -> Any:
        net = code.TwoLayerNet({SHORT[n]: a for n, a in p.items()})
        loss, grads = net.loss(batch.inputs, batch.targets, 0.05)
        return {"loss": loss, **{f"gradient/{n}": grads[SHORT[n]] for n in p}}

    return adapters.integer_labels(subject)


def machine(path: Path) -> Any:
    code = loaded(path)

    def subject(p: Any, batch: Any) -> Any:
        w, theta = p["dense_1/kernel"][:, 0], p["dense_1/bias"]
        loss, dw, dtheta = code.objective(w, theta, batch.inputs, batch.targets[:, 0], 0.1)
        return {
            "loss": loss,
            "gradient/dense_1/kernel": dw[:, None],
            "gradient/dense_1/bias": dtheta,
        }

    return adapters.thresholds(adapters.scalar_biases(subject))


def single(path: Path) -> Any:
    code = loaded(path)

    def subject(p: Any, batch: Any) -> Any:
        found = code.epoch(*(p[n] for n in NAMES), batch.inputs, batch.targets)
        return {f"gradient/{n}": g for n, g in zip(NAMES, found, strict=True)}

    printed = adapters.printed(subject, decimals=5)
    return adapters.fixed_batch(adapters.float32(printed), samples=16)


def notebook(path: Path) -> Any:
    def given(p: Any, batch: Any) -> Any:
        w, b = p["dense_1/kernel"][:, 0], p["dense_1/bias"][0]
        return {"X": batch.inputs, "t": batch.targets[:, 0], "w": w, "b": b}

    results = {
        "gradient/dense_1/kernel": "grad_w[:, None]",
        "gradient/dense_1/bias": "np.array([grad_b])",
    }
    return adapters.script(path, given, results, epochs=1)


def own_adam(path: Path) -> Any:
    code = loaded(path)

    def subject(p: Any, batch: Any) -> Any:
        params = {SHORT[n]: p[n] for n in NAMES}
        moments = [
            {SHORT[n]: p[f"{slot}/{n}"] for n in NAMES}
            for slot in ("first_moment", "second_moment")
        ]
        grads = code.gradients(params, batch.inputs, batch.targets)
        adam = code.Adam(0.01, 0.9, 0.99, 1e-8, *moments, t=float(p["step_count"]))
        adam.update(params, grads)
        return {
            **{f"gradient/{n}": grads[SHORT[n]] for n in NAMES},
            **{f"updated/{n}": params[SHORT[n]] for n in NAMES},
            **{f"updated/first_moment/{n}": adam.m[SHORT[n]] for n in NAMES},
            **{f"updated/second_moment/{n}": adam.v[SHORT[n]] for n in NAMES},
        }

    return subject


# t goes on with each parameter instead of each step.
BY_PARAMETER = "        for key in params:\n            self.t += 1\n"

CASES = {
    "columns and (fan_out, fan_in)": Case(
        "sample_columns.py",
        Network((Dense(3, 4, "tanh"), Dense(4, 1, "sigmoid")), Loss("binary_cross_entropy")),
        sample_columns,
        (" * (1 - np.power(A1, 2))", ""),
        {"gradient/dense_1/kernel", "gradient/dense_1/bias"},
        "in dense_1, the derivative of the activation is missing",
    ),
    "unrolled thetas with a bias column, labels from 1": Case(
        "unrolled_thetas.py",
        Network(
            (Dense(3, 4, "sigmoid"), Dense(4, 3, "sigmoid")),
            Loss("binary_cross_entropy"),
            Penalty(l2=0.01),
            decision="argmax",
        ),
        unrolled_thetas,
        ("grad1[:, 1:] += 2 * lam * theta1[:, 1:]", "grad1 += 2 * lam * theta1"),
        {"gradient/dense_1/bias"},
        "in dense_1/bias, the penalty is on the biases in the gradient, but not in the loss",
    ),
    "one sample at a time, column vectors": Case(
        "one_by_one.py",
        Network((Dense(3, 4, "sigmoid"), Dense(4, 2, "sigmoid")), Loss("squared_error", scale=0.5)),
        one_by_one,
        ("            z = zs[-layer]\n", "            z = activations[-layer]\n"),
        {"gradient/dense_1/kernel", "gradient/dense_1/bias"},
        "in dense_1, the derivative is taken at the activation, f′(a)",
    ),
    "gradients hidden in a step, with its penalty": Case(
        "eleven_lines.py",
        Network(
            (Dense(3, 4, "sigmoid", bias=False), Dense(4, 1, "sigmoid", bias=False)),
            Loss("squared_error", batch="sum", scale=0.5),
            Penalty(l2=0.01),
        ),
        eleven_lines,
        ("l1.T.dot(l2_delta) - decay", "l1.T.dot(l2_delta) + decay"),
        {"gradient/dense_2/kernel"},
        "in dense_2/kernel, the penalty has the wrong sign in the gradient",
    ),
    "nested lists, the bias last in each neuron": Case(
        "from_scratch.py",
        Network(
            (Dense(3, 4, "sigmoid"), Dense(4, 2, "sigmoid")),
            Loss("squared_error", batch="sum", scale=0.5),
        ),
        from_scratch,
        ("[*inputs, 1.0]", "[*inputs, 0.0]"),
        {"gradient/dense_1/bias", "gradient/dense_2/bias"},
        "in every layer, the gradient of the bias is zero: the bias never learns",
    ),
    "integer labels, a penalty on the kernels": Case(
        "two_layer_net.py",
        Network(
            (Dense(3, 5, "relu"), Dense(5, 4, "softmax")),
            Loss("categorical_cross_entropy"),
            Penalty(l2=0.05),
        ),
        two_layer_net,
        ("X.T.dot(dhidden) + 2 * reg * W1", "X.T.dot(dhidden) + reg * W1"),
        {"gradient/dense_1/kernel"},
        "in dense_1/kernel, the penalty carries a factor ½ in the gradient that it does not have",
    ),
    "a scalar threshold, labels of either sign": Case(
        "machine.py",
        Network((Dense(3, 1, bias="scalar"),), Loss("hinge", batch="sum"), Penalty(l2=0.1)),
        machine,
        ("grad_theta = (y * violated).sum()", "grad_theta = -(y * violated).sum()"),
        {"gradient/dense_1/bias"},
        "in dense_1, the gradient of the bias has the wrong sign",
    ),
    "single precision, one batch size, a printed loss": Case(
        "single.py",
        Network((Dense(3, 5, "tanh"), Dense(5, 2)), Loss("squared_error", scale=0.5)),
        single,
        ("    error /= BATCH\n", ""),
        {f"gradient/{name}" for name in NAMES},
        "the gradient is summed over the batch, but the loss is the mean",
        {"batch": (np.random.default_rng(1).normal(size=(16, 3)), np.ones((16, 2)))},
    ),
    "a notebook": Case(
        "training.ipynb",
        Network((Dense(3, 1, "sigmoid"),), Loss("binary_cross_entropy")),
        notebook,
        ("grad_b = np.mean(p - t)", "grad_b = np.mean(p - t) / len(t)"),
        {"gradient/dense_1/bias"},
        "the gradient of the bias is the mean over the samples of a delta that is reduced already",
    ),
    "an optimizer of its own": Case(
        "own_adam.py",
        Network(
            (Dense(3, 4, functions.named("leaky_relu", alpha=0.1)), Dense(4, 2)),
            Loss("squared_error", scale=0.5),
        ),
        own_adam,
        ("        self.t += 1\n        for key in params:\n", BY_PARAMETER),
        {f"updated/{name}" for name in NAMES[1:]},
        "the step count t goes on with each parameter instead of each step",
        {"optimizer": Adam(0.01, beta_2=0.99)},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_it_matches(name: str) -> None:
    case = CASES[name]
    report = backproof.verify(case.network, case.wrap(FOREIGN / case.file), **case.options)
    assert report.status is Status.MATCH, report.cause
    assert {row.reference for row in report.comparisons} == {"keras", "torch"}


@pytest.mark.parametrize("name", CASES)
def test_its_bug_is_named(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    text = (FOREIGN / case.file).read_text()
    old, new = case.bug
    assert text.count(old) == 1
    path = tmp_path / case.file
    path.write_text(text.replace(old, new))
    report = backproof.verify(case.network, case.wrap(path), **case.options)
    assert report.exit_status == 1
    wrong = {row.name for row in report.comparisons if row.status is Status.MISMATCH}
    assert wrong == case.shown
    assert case.cause in report.cause


def test_they_are_independent_of_the_harness() -> None:
    assert len(CASES) == 10
    assert not any("backproof" in path.read_text() for path in FOREIGN.glob("*.*"))

"""A small project that reproduces its own published numbers, and the ways to break it."""

from __future__ import annotations

import textwrap
from pathlib import Path

import numpy as np

STEPS = 40
RATE = 0.5
SEEDS = 39

RECIPE = """
import numpy as np
from backproof import Batch, Dense, GradientDescent, Loss, Network, Pairing
from backproof.reproduction import (
    At, Effect, Erratum, Figure, Key, Reproduction, Sampling, Trained, Training, neighbours,
)

RATE, STEPS = 0.5, 40

def data():
    return Batch(np.arange(8.0).reshape(4, 2) - 3, np.array([[0.0], [1.0], [1.0], [0.0]]))

def initial():
    return {"dense_1/kernel": np.array([[0.5], [-0.25]]), "dense_1/bias": np.array([0.125])}

def results(parameters, batch):
    kernel, bias = parameters["dense_1/kernel"], parameters["dense_1/bias"]
    z = batch.inputs @ kernel + bias
    p = 1 / (1 + np.exp(-z))
    delta = (p - batch.targets) / len(z)
    return {
        "activation/dense_1": p,
        "loss": np.mean(np.logaddexp(0, z) - batch.targets * z),
        "gradient/dense_1/kernel": batch.inputs.T @ delta,
        "gradient/dense_1/bias": delta.sum(axis=0),
        "accuracy": float(np.mean((p > 0.5) == (batch.targets > 0.5))),
        "parameter_count": 3,
        "parameter_count/dense_1": 3,
    }

PAIRING = Pairing(
    name="logistic",
    network=Network((Dense(2, 1, "sigmoid"),), Loss("binary_cross_entropy")),
    subject=results,
    data=data,
    initial=initial,
    optimizer=GradientDescent(RATE),
    quantities=("activation", "loss", "gradient", "accuracy", "parameter_count"),
)

def train(batch, report):
    told, parameters = Trained(), initial()
    for step in range(STEPS + 1):
        found = results(parameters, batch)
        if step in report:
            told.losses[step] = found["loss"]
            told.accuracies[step] = found["accuracy"]
            told.parameters[step] = dict(parameters)
        parameters = {n: w - RATE * found[f"gradient/{n}"] for n, w in parameters.items()}
    return told

def read(told):
    return {
        Key("loss", None, 0): told.losses[0],
        Key("loss", None, STEPS): told.losses[STEPS],
        Key("bias", 0, STEPS): float(told.parameters[STEPS]["dense_1/bias"][0]),
        Key("parameter_count"): float(told.evaluations["counts"]["parameter_count"]),
    }

def sample(seed):
    return {Key("chance", None, 1): float(np.random.default_rng(seed).random())}

def half(name, value, scope):
    return scope.ops.scale(value, 0.5) if name == "gradient/dense_1/bias" else value

REPRODUCTION = Reproduction(
    system="logistic",
    article="A paper of four points",
    training=Training(
        pairing=PAIRING,
        steps=STEPS,
        report=(0, STEPS),
        subject=train,
        read=read,
        evaluations={"counts": At(0, ("parameter_count",))},
        neighbours=neighbours(2),
        seconds=1,
    ),
    sampling=Sampling(sample, seconds=0.1),
    errata=(
        Erratum(
            name="half a gradient",
            where="code",
            told="The gradient of the bias is halved.",
            printed="½ Σ δ",
            correct="Σ δ",
            pairing=PAIRING,
            fault=half,
            effect=lambda: (Effect("nothing", "1", "1"),),
        ),
    ),
)
"""


def trained() -> tuple[list[float], float]:
    """The losses before each step and after the last, and the bias there, in plain NumPy."""
    x, y = np.arange(8.0).reshape(4, 2) - 3, np.array([0.0, 1.0, 1.0, 0.0])
    w, b, losses = np.array([0.5, -0.25]), 0.125, []
    for _ in range(STEPS + 1):
        z = x @ w + b
        losses.append(float(np.mean(np.log1p(np.exp(z)) - y * z)))
        delta = (1 / (1 + np.exp(-z)) - y) / 4
        last = b
        w, b = w - RATE * x.T @ delta, b - RATE * float(delta.sum())
    return losses, last


def published() -> dict[str, str]:
    """The rows, by what they are of."""
    losses, bias = trained()
    return {
        "first": f"logistic,loss,,0,{losses[0]:.9f},yes,,",
        "last": f"logistic,loss,,{STEPS},{losses[-1]!r},yes,12,",
        "bias": f"logistic,bias,0,{STEPS},{bias:.8f},yes,,",
        "count": "logistic,parameter_count,,,3,yes,,",
        "chance": "logistic,chance,,1,0.4,no,,",
    }


def write(
    root: Path, rows: dict[str, str] | None = None, change: tuple[str, str] = ("", "")
) -> Path:
    """A project at ``root`` with those rows, and a recipe with something replaced."""
    folder = root / "comparisons" / "reproduce"
    folder.mkdir(parents=True)
    header = "system,quantity,index,step,value,determined,at_least,note"
    lines = [header, *(rows or published()).values()]
    (folder / "published.csv").write_text("\n".join(lines) + "\n")
    old, new = change
    text = textwrap.dedent(RECIPE)
    assert not old or old in text
    (folder / "logistic.py").write_text(text.replace(old, new) if old else text)
    return folder

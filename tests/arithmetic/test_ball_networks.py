"""Whole networks: balls cover certified values, adversaries, NumPy and PyTorch."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest
import torch
from flint import arb

from backproof.arithmetic.ball import BallOps
from backproof.network import Network
from backproof.parameters import Array, Batch, Parameters
from backproof.rounding import Rounding
from tests.arithmetic.adversary import Adversary
from tests.arithmetic.ball_cases import DTYPES, share
from tests.arithmetic.ball_networks import (
    OPTIMIZER,
    backpropagation,
    balls,
    certified,
    precision,
    random_network,
    random_point,
)

CASES = 3000


@pytest.fixture(autouse=True)
def enough() -> None:
    """Networks have no subnormal sums to add exactly: fewer bits decide every comparison."""
    with precision(500):
        yield


@pytest.mark.parametrize("dtype", DTYPES)
def test_balls_cover_certified_values_and_adversaries_in_every_tensor(dtype):
    rounding = Rounding.of(dtype)
    for seed in range(CASES):
        random = Random(seed)
        network = random_network(random)
        parameters, batch = random_point(network, random, dtype)
        bounds = balls(BallOps(rounding), network, parameters, batch)
        truth = certified(network, parameters, batch)
        for _ in range(4):
            found = backpropagation(Adversary(rounding, random), network, parameters, batch)
            for name, ball in bounds.items():
                share(ball, truth[name].entries, found[name], f"{name} of {network}, seed {seed}")


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("implementation", ["NumPy", "PyTorch"])
def test_balls_cover_what_numpy_and_pytorch_compute(dtype, implementation):
    compute = {"NumPy": with_numpy, "PyTorch": with_torch}[implementation]
    compared = 0
    for seed in range(CASES):
        random = Random(seed)
        network = random_network(random)
        parameters, batch = random_point(network, random, dtype)
        bounds = balls(BallOps(Rounding.of(dtype)), network, parameters, batch)
        truth = certified(network, parameters, batch)
        for name, computed in compute(network, parameters, batch).items():
            assert computed.dtype == dtype
            found = [arb(x) for x in np.ravel(computed).tolist()]
            share(bounds[name], truth[name].entries, found, f"{name} of {network}, seed {seed}")
            compared += np.isfinite(bounds[name].radius).all()
    assert compared > 9 * CASES


def with_numpy(network: Network, parameters: Parameters, batch: Batch) -> dict[str, Array]:
    """Forward and backward pass as anybody would write them."""
    dtype, found = batch.inputs.dtype.type, {}
    forward = {
        "linear": lambda z: z,
        "relu": lambda z: np.maximum(z, 0),
        "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
        "softmax": lambda z: (e := np.exp(z - z.max(1, keepdims=True))) / e.sum(1, keepdims=True),
        "tanh": np.tanh,
    }
    backward = {
        "linear": lambda a, g: g,
        "relu": lambda a, g: g * (a > 0),
        "sigmoid": lambda a, g: g * a * (1 - a),
        "softmax": lambda a, g: a * (g - (a * g).sum(1, keepdims=True)),
        "tanh": lambda a, g: g * (1 - a**2),
    }
    values, zs = [batch.inputs], []
    for name, layer in network.named_layers():
        bias = parameters.get(f"{name}/bias", dtype(0))
        zs.append(values[-1] @ parameters[f"{name}/kernel"] + bias)
        values.append(forward[layer.activation.name](zs[-1]))
        found[f"activation/{name}"] = values[-1]
    a, y, kind = values[-1], batch.targets, network.loss.kind
    factor = dtype(network.loss.scale / network.loss.divisor(len(y), network.fan_out))
    delta = (a - y) * factor
    if kind == "squared_error":
        loss = np.sum((a - y) ** 2) * factor
        delta = backward[network.layers[-1].activation.name](a, 2 * delta)
    elif kind == "binary_cross_entropy":
        loss = np.sum(np.logaddexp(dtype(0), zs[-1]) - y * zs[-1]) * factor
    else:
        logs = np.logaddexp.reduce(zs[-1], axis=1, keepdims=True)
        loss = np.sum(y * (logs - zs[-1])) * factor
    for index in reversed(range(len(network.layers))):
        name = f"dense_{index + 1}"
        found[f"gradient/{name}/kernel"] = values[index].T @ delta
        if network.layers[index].bias:
            found[f"gradient/{name}/bias"] = delta.sum(0)
        if index:
            under = network.layers[index - 1].activation.name
            delta = backward[under](values[index], delta @ parameters[f"{name}/kernel"].T)
    l1, l2 = dtype(network.penalty.l1), dtype(network.penalty.l2)
    for name, w in parameters.items():
        if network.penalty.biases or name.endswith("kernel"):
            loss = loss + l2 * np.sum(w * w) + l1 * np.sum(np.abs(w))
            found[f"gradient/{name}"] = found[f"gradient/{name}"] + 2 * l2 * w + l1 * np.sign(w)
        gradient = found[f"gradient/{name}"]
        found[f"updated/{name}"] = w - dtype(OPTIMIZER.learning_rate) * gradient
    return found | {"loss": np.asarray(loss)}


def with_torch(network: Network, parameters: Parameters, batch: Batch) -> dict[str, Array]:
    """PyTorch's own losses, and its automatic differentiation."""
    functional, found = torch.nn.functional, {}
    torch.set_num_threads(1)  # tensors of a few numbers: threads would wait for each other
    forward = {
        "linear": lambda z: z,
        "relu": torch.relu,
        "sigmoid": torch.sigmoid,
        "softmax": lambda z: torch.softmax(z, dim=1),
        "tanh": torch.tanh,
    }
    tensors = {name: torch.tensor(w, requires_grad=True) for name, w in parameters.items()}
    a, y = torch.tensor(batch.inputs), torch.tensor(batch.targets)
    for name, layer in network.named_layers():
        z = a @ tensors[f"{name}/kernel"]
        if layer.bias:
            z = z + tensors[f"{name}/bias"]
        a = forward[layer.activation.name](z)
        found[f"activation/{name}"] = a
    kind, divisor = network.loss.kind, network.loss.divisor(len(y), network.fan_out)
    if kind == "squared_error":
        loss = functional.mse_loss(a, y, reduction="sum")
    elif kind == "binary_cross_entropy":
        loss = functional.binary_cross_entropy_with_logits(z, y, reduction="sum")
    else:
        loss = functional.cross_entropy(z, y, reduction="sum")
    loss = loss * network.loss.scale / divisor
    for name, w in tensors.items():
        if network.penalty.biases or name.endswith("kernel"):
            penalty = network.penalty
            loss = loss + penalty.l2 * w.square().sum() + penalty.l1 * w.abs().sum()
    loss.backward()
    for name, w in tensors.items():
        found[f"gradient/{name}"] = w.grad
        found[f"updated/{name}"] = w - OPTIMIZER.learning_rate * w.grad
    return {name: value.detach().numpy() for name, value in found.items()} | {
        "loss": loss.detach().numpy()
    }

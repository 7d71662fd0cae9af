"""Forward and backward passes in plain NumPy, as anybody would write them, and in PyTorch."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from scipy.special import erf, expit

from backproof.mathematics.network.network import Network
from backproof.mathematics.network.parameters import Array, Batch, Parameters
from tests.mathematics.arithmetic.ball_forms import NAMES
from tests.mathematics.arithmetic.ball_networks import OPTIMIZER

ALPHA, SCALE = 1.6732632423543772, 1.0507009873554805
ROOT = np.sqrt(2 / np.pi).item()


def inner(z: Array) -> Array:
    """What GELU's approximation takes tanh of."""
    return ROOT * (z + 0.044715 * z**3)


def bell(z: Array) -> Array:
    """The derivative of half of that tanh."""
    return 0.5 * (1 - np.tanh(inner(z)) ** 2) * ROOT * (1 + 3 * 0.044715 * z**2)


def elu(alpha: float, scale: float = 1.0) -> Callable[[Array], Array]:
    return lambda z: scale * np.where(z > 0, z, alpha * (np.exp(z) - 1))


def elu_back(alpha: float, scale: float = 1.0) -> Callable[[Array, Array, Array], Array]:
    return lambda z, a, g: g * np.where(z > 0, z.dtype.type(scale), a + scale * alpha)


def leaky(alpha: float) -> Callable[[Array], Array]:
    return lambda z: np.where(z > 0, z, alpha * z)


def leaky_back(alpha: float) -> Callable[[Array, Array, Array], Array]:
    return lambda z, a, g: np.where(z > 0, g, alpha * g)


def mish_slope(z: Array) -> Array:
    """The derivative of z·tanh(softplus(z))."""
    t = np.tanh(np.logaddexp(z.dtype.type(0), z))
    return t + z * (1 - t * t) * expit(z)


# Of z.
FORWARD: dict[str, Callable[[Array], Array]] = {
    "linear": lambda z: z,
    "relu": lambda z: np.maximum(z, 0),
    "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
    "softmax": lambda z: (e := np.exp(z - z.max(1, keepdims=True))) / e.sum(1, keepdims=True),
    "tanh": np.tanh,
    "leaky_relu": leaky(0.3),
    "leaky_relu steep": leaky(1.7),
    "leaky_relu flipped": leaky(-0.5),
    "elu": elu(1.0),
    "elu bent": elu(0.3),
    "elu steep": elu(1.7),
    "selu": elu(ALPHA, SCALE),
    "softplus": lambda z: np.logaddexp(z.dtype.type(0), z),
    "gelu": lambda z: 0.5 * z * (1 + erf(z / np.sqrt(2).item())),
    "gelu tanh": lambda z: 0.5 * z * (1 + np.tanh(inner(z))),
    "swish": lambda z: z * expit(z),
    "mish": lambda z: z * np.tanh(np.logaddexp(z.dtype.type(0), z)),
    "relu6": lambda z: np.minimum(np.maximum(z, 0), 6),
    "hard_sigmoid": lambda z: np.clip((z + 3) / 6, 0, 1),
    "hard_sigmoid flat": lambda z: np.clip(0.2 * z + 0.5, 0, 1),
}
# Of z, a and what comes back to a.
BACKWARD: dict[str, Callable[[Array, Array, Array], Array]] = {
    "linear": lambda z, a, g: g,
    "relu": lambda z, a, g: g * (a > 0),
    "sigmoid": lambda z, a, g: g * a * (1 - a),
    "softmax": lambda z, a, g: a * (g - (a * g).sum(1, keepdims=True)),
    "tanh": lambda z, a, g: g * (1 - a**2),
    "leaky_relu": leaky_back(0.3),
    "leaky_relu steep": leaky_back(1.7),
    "leaky_relu flipped": leaky_back(-0.5),
    "elu": elu_back(1.0),
    "elu bent": elu_back(0.3),
    "elu steep": elu_back(1.7),
    "selu": elu_back(ALPHA, SCALE),
    "softplus": lambda z, a, g: g * expit(z),
    "gelu": lambda z, a, g: (
        g * (0.5 * (1 + erf(z / np.sqrt(2).item())) + z * np.exp(-0.5 * z**2) * (ROOT / 2))
    ),
    "gelu tanh": lambda z, a, g: g * (0.5 * (1 + np.tanh(inner(z))) + z * bell(z)),
    "swish": lambda z, a, g: g * (a + expit(z) * (1 - a)),
    "mish": lambda z, a, g: g * mish_slope(z),
    "relu6": lambda z, a, g: g * ((a > 0) & (a < 6)),
    "hard_sigmoid": lambda z, a, g: g * ((a > 0) & (a < 1)) / 6,
    "hard_sigmoid flat": lambda z, a, g: g * ((a > 0) & (a < 1)) * z.dtype.type(0.2),
}
IN_TORCH: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "linear": lambda z: z,
    "relu": torch.relu,
    "sigmoid": torch.sigmoid,
    "softmax": lambda z: torch.softmax(z, dim=1),
    "tanh": torch.tanh,
    "leaky_relu": lambda z: F.leaky_relu(z, 0.3),
    "leaky_relu steep": lambda z: F.leaky_relu(z, 1.7),
    "leaky_relu flipped": lambda z: F.leaky_relu(z, -0.5),
    "elu": F.elu,
    "elu bent": lambda z: F.elu(z, 0.3),
    "elu steep": lambda z: F.elu(z, 1.7),
    "selu": F.selu,
    "softplus": lambda z: F.softplus(z, threshold=40),
    "gelu": F.gelu,
    "gelu tanh": lambda z: F.gelu(z, approximate="tanh"),
    "swish": F.silu,
    "mish": F.mish,
    "relu6": F.relu6,
    "hard_sigmoid": lambda z: F.relu6(z + 3) / 6,
    "hard_sigmoid flat": lambda z: torch.clamp(0.2 * z + 0.5, 0, 1),
}


def with_numpy(network: Network, parameters: Parameters, batch: Batch) -> dict[str, Array]:
    """Forward and backward pass as anybody would write them."""
    dtype, found = batch.inputs.dtype.type, {}
    values, zs = [batch.inputs], []
    for name, layer in network.named_layers():
        bias = parameters.get(f"{name}/bias", dtype(0))
        zs.append(values[-1] @ parameters[f"{name}/kernel"] + bias)
        values.append(FORWARD[NAMES[layer.activation]](zs[-1]))
        found[f"activation/{name}"] = values[-1]
    a, y, kind = values[-1], batch.targets, network.loss.kind
    if kind.startswith("smoothed_"):
        kind, share = kind.removeprefix("smoothed_"), dtype(0.1)
        classes = 2 if kind == "binary_cross_entropy" else y.shape[1]
        y = y * (1 - share) + share / classes
    factor = dtype(network.loss.scale / network.loss.divisor(len(y), network.fan_out))
    delta = (a - y) * factor
    if kind == "squared_error":
        loss = np.sum((a - y) ** 2) * factor
        delta = BACKWARD[NAMES[network.layers[-1].activation]](zs[-1], a, 2 * delta)
    elif kind == "hinge":
        loss = np.sum(np.maximum(1 - y * a, 0)) * factor
        slope = np.where(y * a < 1, -y, 0) * factor
        delta = BACKWARD[NAMES[network.layers[-1].activation]](zs[-1], a, slope)
    elif kind == "absolute_error":
        loss = np.sum(np.abs(a - y)) * factor
        slope = np.sign(a - y) * factor
        delta = BACKWARD[NAMES[network.layers[-1].activation]](zs[-1], a, slope)
    elif kind == "huber":
        inside = np.abs(a - y) <= 1
        loss = np.sum(np.where(inside, (a - y) ** 2 / 2, np.abs(a - y) - dtype(0.5))) * factor
        slope = np.clip(a - y, -1, 1) * factor
        delta = BACKWARD[NAMES[network.layers[-1].activation]](zs[-1], a, slope)
    elif kind == "inner_product":
        loss = np.sum(a * y) * factor
        delta = BACKWARD[NAMES[network.layers[-1].activation]](zs[-1], a, y * factor)
    elif kind == "focal":
        entropy = np.logaddexp(dtype(0), zs[-1]) - y * zs[-1]
        weight = dtype(0.25) * y + dtype(0.75) * (1 - y)
        missed = 1 - (y * a + (1 - y) * (1 - a))
        loss = np.sum(weight * missed**2 * entropy) * factor
        through = 2 * missed * (1 - 2 * y) * a * (1 - a) * entropy
        delta = weight * (missed**2 * (a - y) + through) * factor
    elif kind == "binary_cross_entropy":
        loss = np.sum(np.logaddexp(dtype(0), zs[-1]) - y * zs[-1]) * factor
    else:
        logs = np.logaddexp.reduce(zs[-1], axis=1, keepdims=True)
        loss = np.sum(y * (logs - zs[-1])) * factor
        if kind.startswith("masked_"):
            delta = (a * y.any(axis=1, keepdims=True) - y) * factor
    for index in reversed(range(len(network.layers))):
        name = f"dense_{index + 1}"
        found[f"gradient/{name}/kernel"] = values[index].T @ delta
        if network.layers[index].bias:
            found[f"gradient/{name}/bias"] = delta.sum(0)
        if index:
            under = BACKWARD[NAMES[network.layers[index - 1].activation]]
            delta = under(zs[index - 1], values[index], delta @ parameters[f"{name}/kernel"].T)
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
    found = {}
    torch.set_num_threads(1)  # tensors of a few numbers: threads would wait for each other
    tensors = {name: torch.tensor(w, requires_grad=True) for name, w in parameters.items()}
    a, y = torch.tensor(batch.inputs), torch.tensor(batch.targets)
    for name, layer in network.named_layers():
        z = a @ tensors[f"{name}/kernel"]
        if layer.bias:
            z = z + tensors[f"{name}/bias"]
        a = IN_TORCH[NAMES[layer.activation]](z)
        found[f"activation/{name}"] = a
    kind, divisor = network.loss.kind, network.loss.divisor(len(y), network.fan_out)
    if kind.startswith("smoothed_"):
        kind = kind.removeprefix("smoothed_")
        y = 0.9 * y + 0.1 / (2 if kind == "binary_cross_entropy" else y.shape[1])
    if kind == "squared_error":
        loss = F.mse_loss(a, y, reduction="sum")
    elif kind == "hinge":
        loss = torch.clamp(1 - y * a, min=0).sum()
    elif kind == "absolute_error":
        loss = F.l1_loss(a, y, reduction="sum")
    elif kind == "huber":
        loss = F.huber_loss(a, y, reduction="sum")
    elif kind == "inner_product":
        loss = (a * y).sum()
    elif kind == "focal":
        entropy = F.binary_cross_entropy_with_logits(z, y, reduction="none")
        missed = 1 - (y * a + (1 - y) * (1 - a))
        loss = ((0.25 * y + 0.75 * (1 - y)) * missed**2 * entropy).sum()
    elif kind == "binary_cross_entropy":
        loss = F.binary_cross_entropy_with_logits(z, y, reduction="sum")
    else:
        loss = F.cross_entropy(z, y, reduction="sum")
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

"""Faults and harmless rewrites of the networks with an interface, as in `planted`."""

from __future__ import annotations

from tests.gauging.gate.planted import Edit

FAULTS = (
    Edit(
        "layered: derivative of sigmoid without its complement",
        "layered.py",
        "slope: Array = expit(z) * expit(-z)",
        "slope: Array = expit(z)",
    ),
    Edit(
        "layered: no derivative at the output",
        "layered.py",
        " * self.activation.derivative(z[-1])",
        "",
    ),
    Edit("layered: bias gradient a mean", "layered.py", "delta.sum(axis=1)", "delta.mean(axis=1)"),
    Edit(
        "layered_deep: derivative of sigmoid for tanh",
        "layered.py",
        "slope: Array = 4 * expit(2 * z) * expit(-2 * z)",
        "slope: Array = expit(z) * expit(-z)",
    ),
    Edit(
        "layered_deep: derivative taken at the activation",
        "layered.py",
        "self.activation.derivative(z[layer - 2])",
        "self.activation.derivative(a[layer - 2])",
    ),
    Edit(
        "layered_deep: linear last layer",
        "layered.py",
        "a = self.activation.value(z)",
        "a = self.activation.value(z) if layer < self.depth else z",
    ),
    Edit(
        "layered_half: gradient of the whole",
        "layered.py",
        "2 * self.factor * (outputs - targets)",
        "2 * (outputs - targets)",
    ),
    Edit(
        "layered_half: gradient without its 2",
        "layered.py",
        "2 * self.factor * (outputs - targets)",
        "self.factor * (outputs - targets)",
    ),
    Edit(
        "layered_cross_entropy: derivative of sigmoid once more",
        "layered.py",
        "delta = self.loss_function.derivative(z[-1], y)",
        "delta = self.loss_function.derivative(z[-1], y) * self.activation.derivative(z[-1])",
    ),
    Edit(
        "layered_cross_entropy: mean over outputs",
        "layered.py",
        "loss: Scalar = losses.sum()",
        "loss: Scalar = losses.mean(axis=0).sum()",
    ),
    Edit(
        "layered_single: bias left out",
        "layered.py",
        '            z += self.parameters[f"dense_{layer}/bias"][:, None]\n',
        "",
    ),
    Edit(
        "breast_cancer: bias gradient as published",
        "dense_block.py",
        "gradient: Array = delta.sum(axis=1, keepdims=True)",
        "gradient: Array = np.full_like(self.bias, delta.mean())",
    ),
    Edit(
        "breast_cancer: gradient of the mean",
        "dense_block.py",
        "delta: Array = (1 - y) * a - y * expit(-z)",
        "delta: Array = ((1 - y) * a - y * expit(-z)) / y.shape[1]",
    ),
    Edit(
        "breast_cancer: leaky forward",
        "dense_block.py",
        "return np.maximum(z, 0)",
        "return np.maximum(z, 1e-9 * z)",
    ),
    Edit(
        "breast_cancer: kernel gradient shifted by a sample",
        "dense_block.py",
        "gradient: Array = delta @ x.T",
        "gradient: Array = np.roll(delta, 1, axis=1) @ x.T",
    ),
    Edit(
        "breast_cancer: the sum told",
        "breast_cancer.py",
        "cross_entropy(y, z) / y.size",
        "cross_entropy(y, z)",
    ),
    Edit("breast_cancer: biases at rate 1", "breast_cancer.py", "            bias *= rate\n", ""),
    Edit(
        "breast_cancer: one rate, whatever is asked",
        "breast_cancer.py",
        "rate = self.dtype.type(self.lr)",
        "rate = self.dtype.type(1.0001 * self.lr)",
    ),
    Edit(
        "breast_cancer: count without biases",
        "dense_block.py",
        "self.kernel.size + self.bias.size",
        "self.kernel.size",
    ),
    Edit(
        "breast_cancer: accuracy with a threshold of 0.6",
        "breast_cancer.py",
        "np.mean((a > 0.5)",
        "np.mean((a > 0.6)",
    ),
    Edit("clusters_minibatch: the penalty left in", "clusters.py", "self.l2 = l2", "self.l2 = L2"),
    Edit(
        "clusters_minibatch: mean over all samples",
        "clusters.py",
        "delta2 /= y.shape[1]",
        "delta2 /= 13_500",
    ),
)

REWRITES = (
    Edit(
        "breast_cancer: relu derivative 1 at 0",
        "dense_block.py",
        "cotangent *= z > 0",
        "cotangent *= z >= 0",
    ),
    Edit(
        "layered: derivative as a - a²",
        "layered.py",
        "slope: Array = expit(z) * expit(-z)",
        "slope: Array = expit(z) - expit(z) ** 2",
    ),
    Edit(
        "layered_deep: derivative as 1 - a²",
        "layered.py",
        "slope: Array = 4 * expit(2 * z) * expit(-2 * z)",
        "slope: Array = 1 - np.tanh(z) ** 2",
    ),
    Edit(
        "layered_cross_entropy: plain difference",
        "layered.py",
        "(1 - targets) * expit(outputs) - targets * expit(-outputs)",
        "expit(outputs) - targets",
    ),
    Edit(
        "breast_cancer: biases as a product with ones",
        "dense_block.py",
        "gradient: Array = delta.sum(axis=1, keepdims=True)",
        "gradient: Array = delta @ np.ones((delta.shape[1], 1), delta.dtype)",
    ),
    Edit(
        "breast_cancer: kernels sample by sample, last first",
        "dense_block.py",
        "gradient: Array = delta @ x.T",
        "gradient: Array = sum(np.outer(d, p) for d, p in zip(delta.T[::-1], x.T[::-1]))",
    ),
)

"""Two crescents told apart by 2-8-1, tanh and sigmoid, with binary cross-entropy and L2.

    Z1 = X W1 + b1      A1 = tanh Z1
    Z2 = A1 W2 + b2     A2 = 1 / (1 + exp(−Z2))
    L  = 1/n Σ (log(1 + exp Z2) − y Z2) + l2 (ΣW1² + ΣW2²)

Backwards, with Δ for ∂L/∂Z: Δ2 = (A2 − y)/n, Δ1 = Δ2 W2ᵀ ⊙ (1 − A1²);
∂L/∂W = (inputs)ᵀ Δ + 2 l2 W and ∂L/∂b = Σ Δ over the samples.
"""

import numpy as np

LEARNING_RATE = 1.0
L2 = 0.0001


def crescents(samples, seed=0):
    """Inputs (samples, 2) and labels (samples, 1): two half circles, one in the other."""
    stream = np.random.default_rng(seed)
    labels = np.arange(samples)[:, None] % 2
    angles = np.pi * stream.random((samples, 1))
    x = np.where(labels, 1 - np.cos(angles), np.cos(angles))
    y = np.where(labels, 0.5 - np.sin(angles), np.sin(angles))
    return np.hstack([x, y]) + 0.1 * stream.normal(size=(samples, 2)), labels.astype(float)


def initial_parameters(seed=1):
    """Kernels (fan_in, fan_out) of variance 1/fan_in, and zero biases."""
    stream = np.random.default_rng(seed)
    return {
        "dense_1/kernel": stream.normal(size=(2, 8)) / np.sqrt(2),
        "dense_1/bias": np.zeros(8),
        "dense_2/kernel": stream.normal(size=(8, 1)) / np.sqrt(8),
        "dense_2/bias": np.zeros(1),
    }


def forward(parameters, inputs):
    """The activations of the hidden layer, the logits, and the outputs."""
    a1 = np.tanh(inputs @ parameters["dense_1/kernel"] + parameters["dense_1/bias"])
    z2 = a1 @ parameters["dense_2/kernel"] + parameters["dense_2/bias"]
    # 1 / (1 + exp(−z)) in a form that does not overflow.
    e = np.exp(-np.abs(z2))
    return a1, z2, np.where(z2 > 0, 1, e) / (1 + e)


def loss_and_gradients(parameters, inputs, targets):
    """The loss, and its gradient by every parameter."""
    a1, z2, a2 = forward(parameters, inputs)
    w1, w2 = parameters["dense_1/kernel"], parameters["dense_2/kernel"]
    l2 = w1.dtype.type(L2)
    loss = np.mean(np.maximum(z2, 0) - targets * z2 + np.log1p(np.exp(-np.abs(z2))))
    loss += l2 * (np.sum(w1 * w1) + np.sum(w2 * w2))
    delta2 = (a2 - targets) / len(inputs)
    delta1 = (delta2 @ w2.T) * (1 - a1 * a1)
    return loss, {
        "dense_1/kernel": inputs.T @ delta1 + 2 * l2 * w1,
        "dense_1/bias": delta1.sum(axis=0),
        "dense_2/kernel": a1.T @ delta2 + 2 * l2 * w2,
        "dense_2/bias": delta2.sum(axis=0),
    }


def step(parameters, gradients):
    """The parameters after one step of gradient descent."""
    rate = parameters["dense_1/kernel"].dtype.type(LEARNING_RATE)
    return {name: w - rate * gradients[name] for name, w in parameters.items()}


def accuracy(parameters, inputs, targets):
    """The share of samples on the right side of ½."""
    return np.mean((forward(parameters, inputs)[2] > 0.5) == (targets > 0.5))

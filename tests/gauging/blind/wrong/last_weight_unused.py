"""The weighted sum leaves out the last weight, as if it were the bias, in all layers. It
should use all of them.
"""

import math

import numpy as np

from backproof import Batch, Dense, GradientDescent, Loss, Network, Pairing, adapters

MISTAKES: tuple[str, ...] = (
    "The weighted sum leaves out the last weight, as if it were the bias, in all layers.",
)

n_inputs, n_hidden, n_outputs = 3, 4, 2
l_rate = 0.3


def activate(weights, bias, inputs):
    total = bias
    for i in range(len(weights) - 1):  # mistake
        total += weights[i] * inputs[i]
    return total


def transfer(x):
    return math.tanh(x)


def transfer_derivative(output):
    return 1.0 - output * output


def forward_propagate(network, row):
    inputs = row
    for layer in network:
        new_inputs = []
        for neuron in layer:
            neuron["output"] = transfer(activate(neuron["weights"], neuron["bias"], inputs))
            new_inputs.append(neuron["output"])
        inputs = new_inputs
    return inputs


def backward_propagate_error(network, expected):
    for i in reversed(range(len(network))):
        layer = network[i]
        for j in range(len(layer)):
            if i == len(network) - 1:
                error = layer[j]["output"] - expected[j]
            else:
                error = 0.0
                for neuron in network[i + 1]:
                    error += neuron["weights"][j] * neuron["delta"]
            layer[j]["delta"] = error * transfer_derivative(layer[j]["output"])


def accumulate(network, row):
    for i in range(len(network)):
        inputs = row
        if i != 0:
            inputs = [neuron["output"] for neuron in network[i - 1]]
        for neuron in network[i]:
            for j in range(len(inputs)):
                neuron["grad"][j] += neuron["delta"] * inputs[j]
            neuron["bias_grad"] += neuron["delta"]


def build(kernel, bias):
    return [
        {"weights": [row[j] for row in kernel], "bias": b, "grad": [0.0] * len(kernel)}
        | {"bias_grad": 0.0}
        for j, b in enumerate(bias)
    ]


def subject(parameters, batch):
    network = [
        build(parameters[f"dense_{i}/kernel"], parameters[f"dense_{i}/bias"]) for i in (1, 2, 3)
    ]
    sum_error = 0.0
    for row, expected in zip(batch.inputs, batch.targets):
        outputs = forward_propagate(network, row)
        sum_error += sum(0.5 * (expected[i] - outputs[i]) ** 2 for i in range(len(expected)))
        backward_propagate_error(network, expected)
        accumulate(network, row)
    out = {"loss": sum_error}
    for i, layer in enumerate(network, start=1):
        columns = [neuron["grad"] for neuron in layer]
        out[f"gradient/dense_{i}/kernel"] = [list(row) for row in zip(*columns)]
        out[f"gradient/dense_{i}/bias"] = [neuron["bias_grad"] for neuron in layer]
    return out


def data():
    rng = np.random.default_rng(80)
    X = rng.normal(size=(10, n_inputs))
    return Batch(X, np.where(X[:, :n_outputs] > 0, 0.9, -0.9))


def initial():
    rng = np.random.default_rng(81)
    out = {}
    shapes = [(n_inputs, n_hidden), (n_hidden, n_hidden), (n_hidden, n_outputs)]
    for i, (m, n) in enumerate(shapes, start=1):
        out[f"dense_{i}/kernel"] = rng.normal(size=(m, n))
        out[f"dense_{i}/bias"] = rng.normal(size=n)
    return out


PAIRING = Pairing(
    name="last_weight_unused",
    network=Network(
        (
            Dense(n_inputs, n_hidden, "tanh"),
            Dense(n_hidden, n_hidden, "tanh"),
            Dense(n_hidden, n_outputs, "tanh"),
        ),
        Loss("squared_error", batch="sum", scale=0.5),
    ),
    subject=adapters.lists(subject),
    data=data,
    initial=initial,
    optimizer=GradientDescent(l_rate),
    quantities=("loss", "gradient"),
    steps=5,
)

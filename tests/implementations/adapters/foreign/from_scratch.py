"""Plain Python, neurons as lists of weights with the bias at the end: a popular tutorial's shape."""

from math import exp


def activate(weights, inputs):
    activation = weights[-1]
    for i in range(len(weights) - 1):
        activation += weights[i] * inputs[i]
    return activation


def transfer(activation):
    return 1.0 / (1.0 + exp(-activation))


def transfer_derivative(output):
    return output * (1.0 - output)


def gradients(network, row, expected):
    """For each neuron of each layer the derivatives by its weights, the bias last."""
    outputs, inputs = [], row
    for layer in network:
        inputs = [transfer(activate(weights, inputs)) for weights in layer]
        outputs.append(inputs)
    deltas = [None] * len(network)
    for i in reversed(range(len(network))):
        errors = []
        if i == len(network) - 1:
            errors = [outputs[i][j] - expected[j] for j in range(len(network[i]))]
        else:
            for j in range(len(network[i])):
                error = 0.0
                for k in range(len(network[i + 1])):
                    error += network[i + 1][k][j] * deltas[i + 1][k]
                errors.append(error)
        deltas[i] = [errors[j] * transfer_derivative(outputs[i][j]) for j in range(len(errors))]
    found = []
    for i in range(len(network)):
        inputs = row if i == 0 else outputs[i - 1]
        found.append([[delta * value for value in [*inputs, 1.0]] for delta in deltas[i]])
    return found

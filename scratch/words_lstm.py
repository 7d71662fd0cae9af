"""A character-level LSTM, trained to write the text that it reads: backpropagation through time.

Each character has a row of a table, 8 numbers; an LSTM of 16 units reads them one after another,
and after each a dense layer says which character comes next. With σ the sigmoid, ⊙ elementwise,
[·] the four blocks of 16 columns i, f, g, o, and h₀ = c₀ = 0:

    x_t = E[character t]                      Z_t = x_t W + h_{t-1} U + b
    i, f, o = σ([Z_t])   g = tanh([Z_t])      c_t = f ⊙ c_{t-1} + i ⊙ g
    h_t = o ⊙ tanh(c_t)                       Ŷ_t = softmax(h_t V + v)
    L = -1/(n T) Σ over samples and steps of y log ŷ

Backwards, from the last step to the first, where d stands for ∂L/∂:

    dlogits = (Ŷ_t - Y_t) / (n T)             dh = dlogits Vᵀ + what step t + 1 gives back
    dc = dh ⊙ o ⊙ (1 - tanh² c_t) + what step t + 1 gives back
    di = dc ⊙ g ⊙ i (1 - i)                   df = dc ⊙ c_{t-1} ⊙ f (1 - f)
    dg = dc ⊙ i ⊙ (1 - g²)                    do = dh ⊙ tanh c_t ⊙ o (1 - o)
    to step t - 1: dh = dZ_t Uᵀ, dc ⊙ f       dx_t = dZ_t Wᵀ, added to the row of its character

The gradients of W, U, b, V and v are summed over the steps. Adam makes a step of them.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

Array = NDArray[Any]  # float32 or float64, as the parameters are
Codes = NDArray[np.intp]

SEED = 0
LEARNING_RATE = 2.0**-6
BETA_1, BETA_2 = 0.875, 1 - 2.0**-7
EPSILON = 2.0**-20
WIDTH, UNITS = 8, 16
BATCH, LENGTH = 16, 12
STEPS = 1_500


def shapes(characters: int) -> dict[str, tuple[int, ...]]:
    """The shape of each parameter, for an alphabet of so many characters."""
    return {
        "embedding_1/table": (characters, WIDTH),
        "lstm_1/kernel": (WIDTH, 4 * UNITS),
        "lstm_1/recurrent_kernel": (UNITS, 4 * UNITS),
        "lstm_1/bias": (4 * UNITS,),
        "dense_1/kernel": (UNITS, characters),
        "dense_1/bias": (characters,),
    }


def initial_parameters(
    stream: np.random.Generator, characters: int, dtype: DTypeLike = np.float64
) -> dict[str, Array]:
    """Draw the table and kernels with variance 1 / fan-in; biases are 0, of the forget gate 1."""
    drawn: dict[str, Array] = {}
    for name, shape in shapes(characters).items():
        bias = name.endswith("bias")
        drawn[name] = np.zeros(shape) if bias else stream.normal(0, shape[0] ** -0.5, shape)
    drawn["embedding_1/table"] = stream.normal(0, 1, (characters, WIDTH))
    drawn["lstm_1/bias"][UNITS : 2 * UNITS] = 1
    return {name: array.astype(dtype) for name, array in drawn.items()}


def sigmoid(z: Array) -> Array:
    """Of large numbers of either sign without overflow."""
    small = np.exp(-np.abs(z))
    return np.asarray(np.where(z >= 0, 1, small) / (1 + small))


class Pass(NamedTuple):
    """What a forward pass leaves, by step: gates i, f, g, o; cells and states from step 0 on."""

    embedded: Array
    gates: list[tuple[Array, Array, Array, Array]]
    cells: list[Array]
    states: list[Array]
    logits: Array
    probabilities: Array


class WordsLSTM:
    """The network above, in the dtype of its parameters; characters are whole numbers from 0."""

    def __init__(
        self,
        parameters: Mapping[str, ArrayLike],
        moments: Mapping[str, ArrayLike] | None = None,
        steps: int = 0,
    ) -> None:
        """Copy the parameters, and Adam's moments after so many steps; without any, zeros.

        ``moments``: ``first_moment/dense_1/kernel``, ``second_moment/…`` of every parameter.
        """
        self.parameters = {name: np.array(value) for name, value in parameters.items()}
        expected = shapes(len(self.parameters["embedding_1/table"]))
        found = {name: array.shape for name, array in self.parameters.items()}
        if found != expected:
            raise ValueError(f"parameters have shapes {found}, but should have {expected}")
        self.first, self.second = (
            {
                name: np.array(moments[f"{which}/{name}"]) if moments else np.zeros_like(array)
                for name, array in self.parameters.items()
            }
            for which in ("first_moment", "second_moment")
        )
        self.steps = steps

    def forward(self, x: Codes) -> Pass:
        """All that is computed on the way to the probabilities, of characters (samples, steps)."""
        table, w, u, b, v, v0 = self.parameters.values()
        embedded = table[x]
        zeros = np.zeros((len(x), UNITS), table.dtype)
        gates, cells, states = [], [zeros], [zeros]
        for t in range(x.shape[1]):
            z = embedded[:, t] @ w + states[-1] @ u + b
            i, f, o = (sigmoid(z[:, k * UNITS : (k + 1) * UNITS]) for k in (0, 1, 3))
            g = np.tanh(z[:, 2 * UNITS : 3 * UNITS])
            gates.append((i, f, g, o))
            cells.append(f * cells[-1] + i * g)
            states.append(o * np.tanh(cells[-1]))
        logits = np.stack(states[1:], axis=1) @ v + v0
        shifted = np.exp(logits - logits.max(axis=-1, keepdims=True))
        probabilities = shifted / shifted.sum(axis=-1, keepdims=True)
        return Pass(embedded, gates, cells, states, logits, probabilities)

    def loss(self, y: Array, seen: Pass) -> np.floating[Any]:
        """The mean cross-entropy over samples and steps, of one-hot targets."""
        top = seen.logits.max(axis=-1, keepdims=True)
        total = np.log(np.exp(seen.logits - top).sum(axis=-1, keepdims=True)) + top
        entropy: np.floating[Any] = (y * (total - seen.logits)).sum() / (y.shape[0] * y.shape[1])
        return entropy

    def gradients(self, x: Codes, y: Array, seen: Pass) -> dict[str, Array]:
        """The gradient of that loss by each parameter."""
        found = {name: np.zeros_like(array) for name, array in self.parameters.items()}
        _, w, u, _, v, _ = self.parameters.values()
        dlogits = (seen.probabilities - y) / (x.shape[0] * x.shape[1])
        dh_next, dc_next = np.zeros_like(seen.states[0]), np.zeros_like(seen.cells[0])
        for t in reversed(range(x.shape[1])):
            i, f, g, o = seen.gates[t]
            shown = np.tanh(seen.cells[t + 1])
            dh = dlogits[:, t] @ v.T + dh_next
            dc = dh * o * (1 - shown * shown) + dc_next
            di = dc * g * i * (1 - i)
            df = dc * seen.cells[t] * f * (1 - f)
            dg = dc * i * (1 - g * g)
            do = dh * shown * o * (1 - o)
            dz = np.hstack((di, df, dg, do))
            found["lstm_1/kernel"] += seen.embedded[:, t].T @ dz
            found["lstm_1/recurrent_kernel"] += seen.states[t].T @ dz
            found["lstm_1/bias"] += dz.sum(axis=0)
            found["dense_1/kernel"] += seen.states[t + 1].T @ dlogits[:, t]
            found["dense_1/bias"] += dlogits[:, t].sum(axis=0)
            np.add.at(found["embedding_1/table"], x[:, t], dz @ w.T)
            dh_next = dz @ u.T
            dc_next = dc * f
        return found

    def step(self, x: Codes, y: Array, learning_rate: float = LEARNING_RATE) -> np.floating[Any]:
        """Make one step by Adam in place, and return the loss before it."""
        seen = self.forward(x)
        loss = self.loss(y, seen)
        self.steps += 1
        for name, gradient in self.gradients(x, y, seen).items():
            number = gradient.dtype.type
            m, s = self.first[name], self.second[name]
            m *= number(BETA_1)
            m += number(1 - BETA_1) * gradient
            s *= number(BETA_2)
            s += number(1 - BETA_2) * gradient * gradient
            unbiased = m / number(1 - BETA_1**self.steps)
            size = np.sqrt(s / number(1 - BETA_2**self.steps)) + number(EPSILON)
            self.parameters[name] -= number(learning_rate) * unbiased / size
        return loss

    def write(self, first: Codes, length: int) -> Codes:
        """The likeliest characters to follow ``first``, one after another."""
        codes = list(first)
        for _ in range(length):
            codes.append(int(self.forward(np.array([codes])).logits[0, -1].argmax()))
        return np.array(codes)

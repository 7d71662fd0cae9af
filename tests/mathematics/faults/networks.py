"""Networks in which, together with the project's pairings, every fault of the catalogue applies."""

from __future__ import annotations

from backproof.mathematics import functions
from backproof.mathematics.layers.public import (
    Activation,
    Branches,
    Concatenate,
    Dense,
    Embedding,
    Flatten,
    Multiply,
    PReLU,
    Residual,
)
from backproof.mathematics.network.loss import Loss
from backproof.mathematics.network.network import Network
from backproof.mathematics.network.penalty import Penalty
from backproof.mathematics.optimizers.adam import Adam
from backproof.mathematics.optimizers.adamw import AdamW
from backproof.mathematics.optimizers.clipped import Clipped
from backproof.mathematics.optimizers.gradient_descent import GradientDescent
from backproof.mathematics.optimizers.momentum import Momentum
from backproof.mathematics.optimizers.nadam import Nadam
from backproof.mathematics.optimizers.nesterov import Nesterov
from backproof.mathematics.optimizers.rmsprop import RMSprop

# Square layers, a softmax under the squared error, both penalties, on biases too.
SQUARE = Network(
    (Dense(4, 4, "tanh"), Dense(4, 4, "sigmoid"), Dense(4, 3, "softmax")),
    Loss("squared_error", outputs="mean"),
    Penalty(l1=0.01, l2=0.02, biases=True),
    decision="argmax",
)
# Several outputs that are no classes, layers without biases among those that have them.
OUTPUTS = Network(
    (Dense(5, 4, "sigmoid", bias=False), Dense(4, 3, "sigmoid")),
    Loss("binary_cross_entropy"),
    Penalty(l2=0.01),
)
LEAKY = Network(
    (Dense(3, 4, functions.named("leaky_relu", alpha=0.1)), Dense(4, 2, "tanh")),
    Loss("squared_error"),
)
SCALAR = Network(
    (Dense(3, 3, "sigmoid", bias="scalar"), Dense(3, 2, bias="scalar")),
    Loss("squared_error"),
    Penalty(l2=0.01, biases=True),
)
# Every kind of node that joins others, or changes a shape.
JOINED = Network(
    (
        Dense(3, 4, "tanh"),
        Branches(Multiply(), Dense(4, 4, "sigmoid"), Dense(4, 4)),
        Residual(Activation("tanh")),
        Branches(Concatenate(), Dense(4, 2), Dense(4, 2)),
        Dense(4, 2),
    ),
    Loss("squared_error"),
    Penalty(l2=0.01, batch="mean"),
)
POSITIONS = Network(
    (Dense(3, 2, "tanh"), Flatten(), Dense(8, 2)), Loss("squared_error"), inputs=(4, 3)
)
RECTIFIED = Network((Dense(3, 4), PReLU(), Dense(4, 2)), Loss("squared_error"))
FOCAL = Network((Dense(3, 4, "tanh"), Dense(4, 2, "sigmoid")), Loss("focal"))
# Classes at positions, some of them ignored.
TAGS = (Embedding(5, 3), Dense(3, 4, "softmax"))
LABELLED = Network(TAGS, Loss("masked_categorical_cross_entropy", "valid"), inputs=(4,))
EVERY_PLACE = Network(TAGS, Loss("categorical_cross_entropy"), inputs=(4,))
EVERY_SAMPLE = Network(TAGS, Loss("categorical_cross_entropy", "samples"), inputs=(4,))
# Optimizers with a state, for the faults that they have.
STATEFUL = (
    Momentum(0.1, 0.75),
    Momentum(0.1, 0.75, nesterov=True),
    RMSprop(0.1, epsilon=0.01),
    RMSprop(0.1, epsilon=0.01, inside=True),
    Adam(0.1, beta_1=0.5, beta_2=0.75, epsilon=0.01),
    AdamW(0.1, epsilon=0.01, epsilon_at="raw", weight_decay=0.1),
    AdamW(0.1, epsilon=0.01, weight_decay=0.1, matrices_only=True),
    Nadam(0.1, beta_1=0.5, beta_2=0.75, epsilon=0.01),
    Nesterov(0.1, 0.75),
)
OPTIMIZER = GradientDescent(0.1)
CLIPPED = Clipped(OPTIMIZER, global_norm=0.05)

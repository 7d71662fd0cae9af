"""Keras's optimizers, and those written for forms that it has not."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from backproof.mathematics.errors import UsageError
from backproof.mathematics.optimizers import Optimizer

# Where Keras keeps a slot, and its factor there: its velocity is −learning_rate times ours.
SLOTS: dict[str, tuple[str, Any]] = {
    "velocity": ("momentums", lambda optimizer: -optimizer.learning_rate),
    "mean_square": ("_velocities", lambda optimizer: 1.0),
    "first_moment": ("_momentums", lambda optimizer: 1.0),
    "second_moment": ("_velocities", lambda optimizer: 1.0),
}


def own_optimizer(optimizer: Optimizer) -> Any:
    """Keras's optimizer of that name, with the same coefficients."""
    if optimizer.name not in OPTIMIZERS:
        raise UsageError(
            f"no Keras twin for optimizer {optimizer.name!r}: compile the model with one"
        )
    return OPTIMIZERS[optimizer.name](optimizer)


def momentum(o: Any) -> Any:
    """SGD with momentum; Keras knows no dampening."""
    if o.dampening:
        raise UsageError("Keras's SGD has no dampening: compare with torch, or compile your own")
    return keras.optimizers.SGD(o.learning_rate, momentum=o.momentum, nesterov=o.nesterov)


class RMSpropBeside(keras.optimizers.RMSprop):  # type: ignore[misc]  # Keras is Any here
    """ε beside the root, as PyTorch has it."""

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """One step of one variable."""
        v = self._velocities[self._get_variable_index(variable)]
        rho = exactly(self.rho, variable)
        v.assign(rho * v + (1 - rho) * ops.square(gradient))
        size = ops.sqrt(v) + exactly(self.epsilon, variable)
        variable.assign_sub(learning_rate * gradient / size)


class WrittenAdam(keras.optimizers.Adam):  # type: ignore[misc]  # as above
    """ε beside the corrected root or in it, or no bias correction; decay where there is one."""

    described: Any

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """One step of one variable."""
        o, index = self.described, self._get_variable_index(variable)
        m, v = self._momentums[index], self._velocities[index]
        one, two = exactly(o.beta_1, variable), exactly(o.beta_2, variable)
        epsilon = exactly(o.epsilon, variable)
        m.assign(one * m + (1 - one) * gradient)
        v.assign(two * v + (1 - two) * ops.square(gradient))
        direction, size = m, v
        if o.bias_correction:
            t = ops.cast(self.iterations + 1, variable.dtype)
            direction, size = m / (1 - ops.power(one, t)), v / (1 - ops.power(two, t))
        size = ops.sqrt(size + epsilon) if o.epsilon_at == "inside" else ops.sqrt(size) + epsilon
        decay = exactly(getattr(o, "weight_decay", 0.0), variable) * variable
        variable.assign_sub(learning_rate * (direction / size + decay))


def exactly(value: float, variable: Any) -> Any:
    """A coefficient in the dtype of the variable, past float32."""
    import tensorflow as tf

    return tf.constant(value, variable.dtype)


def rmsprop(o: Any) -> Any:
    """Keras's own has ε in the root."""
    kind = keras.optimizers.RMSprop if o.inside else RMSpropBeside
    return kind(o.learning_rate, rho=o.rho, epsilon=o.epsilon)


def adam(o: Any) -> Any:
    """Keras's own has ε beside the raw root."""
    fields = {"beta_1": o.beta_1, "beta_2": o.beta_2, "epsilon": o.epsilon}
    if o.epsilon_at == "raw" and o.bias_correction:
        if o.name == "adamw":
            return keras.optimizers.AdamW(o.learning_rate, weight_decay=o.weight_decay, **fields)
        return keras.optimizers.Adam(o.learning_rate, **fields)
    made = WrittenAdam(o.learning_rate, **fields)
    made.described = o
    return made


OPTIMIZERS: dict[str, Any] = {
    "gradient_descent": lambda o: keras.optimizers.SGD(o.learning_rate),
    "momentum": momentum,
    "rmsprop": rmsprop,
    "adam": adam,
    "adamw": adam,
}

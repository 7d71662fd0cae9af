"""Optimizers of Keras and PyTorch with steps of one's own, for forms that those have not.

Called in the worker of their framework alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any


def in_keras(kind: Any, step: Callable[[Any, Any, Any, Any], None]) -> Any:
    """A class of Keras's optimizers, with another step of one variable.

    ``step``: takes the optimizer, the gradient, the variable, and the learning rate.
    """

    class Written(kind):  # type: ignore[misc]  # Keras is Any here
        def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
            step(self, gradient, variable, learning_rate)

    return Written


def exactly(value: float | Sequence[float], variable: Any) -> Any:
    """A coefficient, or several, in the dtype of Keras's variable, past float32."""
    import tensorflow as tf

    return tf.constant(value, variable.dtype)


def in_torch(parameters: Iterator[Any], change: Callable[[Any, Any, dict[str, Any]], Any]) -> Any:
    """An optimizer of PyTorch whose step takes ``change(w, gradient, state)`` off.

    The state of a parameter is changed in place.
    """
    import torch

    class Written(torch.optim.Optimizer):  # type: ignore[misc]  # PyTorch is Any here
        def step(self) -> None:  # type: ignore[override, unused-ignore]
            with torch.no_grad():
                for group in self.param_groups:
                    for w in group["params"]:
                        w.sub_(change(w, w.grad, self.state[w]))

    return Written(parameters, {})

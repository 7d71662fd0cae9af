"""A whole training run of a Keras model in one compiled loop: `tf.while_loop` under XLA.

Keras's optimizers hold their rates in float32, whatever floatx is; so the step is made here, with
the rate in the dtype of the weights. The model, its layers, losses and penalties are its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from backproof.implementations.protocol import Tensors
from backproof.mathematics.errors import UsageError
from backproof.mathematics.optimizers import Optimizer, having

State = dict[str, Any]


class Loop:
    """A model's training on one batch; ``variables`` are its weights by name."""

    def __init__(
        self,
        model: keras.Model,
        variables: Mapping[str, Any],
        optimizer: Optimizer,
        measure: Callable[[Any, Any], Any] | None,
        inputs: Any,
        targets: Any,
    ) -> None:
        if not hasattr(optimizer, "keras_step"):
            known = ", ".join(having("keras_step"))
            raise UsageError(f"train knows {known}, not {optimizer.name!r}")
        others = len(model.trainable_variables) - len(variables)
        if others:
            raise UsageError(
                f"the Keras model learns {others} variables that the network does not have; "
                "set trainable = False on their layers, or describe these in the network"
            )
        self.model = model
        self.variables = variables
        self.change: Callable[[Any, Any], Any] = optimizer.keras_step
        self.measure = measure
        self.inputs, self.targets = inputs, targets
        self.run = tf.function(self._run, jit_compile=True, autograph=False)
        # Outside of XLA, whose log1p errs by 108 ulps.
        self.evaluate = tf.function(self._evaluate, autograph=False)

    def _loss(self, state: State) -> tuple[Any, Any]:
        """Loss and outputs of the model with these weights in place of its own."""
        places = [(variable, state[name]) for name, variable in self.variables.items()]
        with keras.StatelessScope(state_mapping=places):
            outputs = self.model(self.inputs, training=True)
            return self.model.compute_loss(self.inputs, self.targets, outputs), outputs

    def _step(self, state: State) -> State:
        with tf.GradientTape() as tape:
            tape.watch(state)
            loss, _ = self._loss(state)
        gradients = tape.gradient(loss, state)
        change = self.change
        return {name: change(w, gradients[name]) for name, w in state.items()}

    def _run(self, state: State, steps: Any) -> State:
        """The state after so many steps; their number is no part of what is compiled."""
        _, state = tf.while_loop(
            lambda made, _: made < steps,
            lambda made, state: (made + 1, self._step(state)),
            (tf.constant(0), state),
        )
        return state

    def _evaluate(self, state: State) -> State:
        loss, outputs = self._loss(state)
        results = {"loss": loss}
        if self.measure is not None:
            results["accuracy"] = self.measure(self.targets, outputs)
        return results

    def train(self, state: State, steps: int, report: Sequence[int]) -> Tensors:
        """Make the steps; what was asked for, one row for each step of the report."""
        found: dict[str, list[Any]] = {}
        made = 0
        for index, wanted in enumerate((*report, steps)):
            state = self.run(state, tf.constant(wanted - made))
            made = wanted
            if index == len(report):
                break
            results = self.evaluate(state) | {f"parameters/{n}": w for n, w in state.items()}
            for name, value in results.items():
                found.setdefault(name, []).append(np.asarray(value))
        return {name: np.array(values) for name, values in found.items()}

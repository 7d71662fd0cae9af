"""Keras twins on TensorFlow: any model of dense layers, its own loss and optimizer, compiled."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from backproof.implementations.frameworks import factory, keras_loop, slots_of, twin_of
from backproof.implementations.frameworks.keras_functions import (
    LOSSES,
    MODES,
    activation,
    apply,
    last_activation,
    rows,
)
from backproof.implementations.protocol import Tensors
from backproof.mathematics import losses
from backproof.mathematics.errors import UsageError
from backproof.mathematics.network.network import Network
from backproof.mathematics.network.parameters import Batch
from backproof.mathematics.optimizers import STEP_COUNT, Optimizer, slot_shapes

__all__ = ["MODES", "apply", "open_twin", "start"]


def start(dtype: str) -> dict[str, str]:
    """One thread, and the dtype policy before the first layer is made."""
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    keras.config.set_floatx(dtype)
    return {"keras": keras.__version__, "tensorflow": tf.__version__}


def open_twin(
    model: str | None,
    network: Network,
    optimizer: Optimizer,
    dtype: str,
    *,
    compiled: bool = True,
    outputs: str = "logits",
) -> KerasTwin:
    """The named model, or an idiomatic one built from the network; compiled here if it is not."""
    twin = build(network) if model is None else factory(model)()
    if not isinstance(twin, keras.Model):
        raise UsageError(f"{model} returned {type(twin).__name__}; return a keras.Model")
    if not twin.compiled:
        own = twin_of("optimizer", optimizer, "keras", "compile the model with one")
        twin.compile(optimizer=own(), loss=data_loss(network))
    return KerasTwin(twin, network, optimizer, dtype, compiled=compiled, outputs=outputs)


def build(network: Network) -> keras.Model:
    """``keras.Sequential`` of dense layers; logits come out where the loss takes them."""
    fused = losses.named(network.loss.kind).ACTIVATION is not None
    last = len(network.layers) - 1
    regularizer = penalty(network)
    return keras.Sequential(
        [
            keras.Input((network.fan_in,)),
            *(
                (ScalarBias if layer.bias == "scalar" else keras.layers.Dense)(
                    layer.fan_out,
                    activation=None if fused and index == last else activation(layer.activation),
                    use_bias=bool(layer.bias),
                    kernel_regularizer=regularizer,
                    bias_regularizer=regularizer if network.penalty.biases else None,
                )
                for index, layer in enumerate(network.layers)
            ),
        ]
    )


class ScalarBias(keras.layers.Dense):  # type: ignore[misc]  # Keras has no types here
    """A dense layer whose units share one bias, (1,)."""

    def build(self, input_shape: Any) -> None:
        """The kernel as in a layer without a bias, then one number."""
        self.use_bias = False
        super().build(input_shape)
        self.use_bias = True
        self.bias = self.add_weight(
            name="bias", shape=(1,), initializer="zeros", regularizer=self.bias_regularizer
        )


def penalty(network: Network) -> Any:
    """The penalty as a callable, for Keras rounds the coefficients of its own to float32."""
    l2, l1 = network.penalty.l2, network.penalty.l1
    if not (l1 or l2):
        return None

    def regularizer(w: Any) -> Any:
        total = 0
        if l2:
            total = total + l2 * keras.ops.sum(keras.ops.square(w))
        if l1:
            total = total + l1 * keras.ops.sum(keras.ops.abs(w))
        return total

    return regularizer


def data_loss(network: Network) -> Any:
    """Keras's loss for the network's kind, reduced as the network says.

    Keras's losses take the mean over the outputs; where the network sums, that is undone.
    """
    kind = network.loss.kind
    if kind not in LOSSES:
        raise UsageError(f"no Keras twin for loss {kind!r}: give a model of your own")
    own = rows(kind)
    by_row = losses.named(network.loss.kind).BY_ROW
    undo = network.fan_out if network.loss.outputs == "sum" and not by_row else 1
    reduce = keras.ops.mean if network.loss.batch == "mean" else keras.ops.sum

    def loss(targets: Any, outputs: Any) -> Any:
        return (network.loss.scale * undo) * reduce(own(outputs, targets))

    return loss


class KerasTwin:
    """A compiled model in one traced function: load, forward, loss, gradients, one step."""

    def __init__(
        self,
        model: keras.Model,
        network: Network,
        optimizer: Optimizer,
        dtype: str,
        *,
        compiled: bool,
        outputs: str,
    ) -> None:
        self.model = model
        self.network = network
        self.optimizer = optimizer
        self.dtype = dtype
        # The activation that the model leaves to its loss.
        self.fused = losses.named(network.loss.kind).ACTIVATION if outputs == "logits" else None
        self.denses = [part for part in _flat(model) if isinstance(part, keras.layers.Dense)]
        found = [
            (*part.kernel.shape, 0 if part.bias is None else part.bias.shape[0])
            if part.built
            else "not built"
            for part in self.denses
        ]
        wanted = [(layer.fan_in, layer.fan_out, layer.biases) for layer in network.layers]
        if found != wanted:
            raise UsageError(
                f"the model's dense layers are (in, out, biases) {found}, the network's {wanted}"
            )
        self.variables = {
            f"dense_{index}/{name}": variable
            for index, part in enumerate(self.denses, start=1)
            for name, variable in (("kernel", part.kernel), ("bias", part.bias))
            if variable is not None
        }
        frozen = [name for name, variable in self.variables.items() if not variable.trainable]
        if frozen:
            raise UsageError(
                f"{', '.join(frozen)} cannot be trained in the Keras model: is it frozen?"
            )
        # The batch last evaluated as tensors, made once for all the steps on it.
        self._batch: tuple[Any, Any, Any] = (None, None, None)
        model.optimizer.build(model.trainable_variables)
        place = {id(variable): i for i, variable in enumerate(model.trainable_variables)}
        # Name of a slot → where Keras keeps it, and the factor that it has there.
        self.slots = {
            f"{slot}/{name}": (getattr(model.optimizer, home)[place[id(variable)]], by)
            for slot, (home, by) in slots_of(optimizer, "keras").items()
            for name, variable in self.variables.items()
        }
        # How many steps were made before, where that matters.
        self.counted: dict[str, tuple[int, ...]] = {STEP_COUNT: ()} if optimizer.COUNTS else {}
        # One trace for every batch size.
        self.compute = (
            self._compute
            if not compiled
            else tf.function(
                self._compute,
                input_signature=[
                    tf.TensorSpec((None, network.fan_in), dtype),
                    tf.TensorSpec((None, network.fan_out), dtype),
                    {
                        name: tf.TensorSpec(shape, dtype)
                        for name, shape in {
                            **network.shapes(),
                            **slot_shapes(network, optimizer),
                            **self.counted,
                        }.items()
                    },
                ],
                autograph=False,
            )
        )

    def _compute(self, inputs: Any, targets: Any, state: dict[str, Any]) -> dict[str, Any]:
        for name, variable in self.variables.items():
            variable.assign(state[name])
        for name, (variable, factor) in self.slots.items():
            variable.assign(state[name] * tf.constant(factor, variable.dtype))
        if self.counted:
            steps = tf.cast(state[STEP_COUNT], self.model.optimizer.iterations.dtype)
            self.model.optimizer.iterations.assign(steps)
        recorded: dict[int, Any] = {}
        with tf.GradientTape() as tape:
            with _recording(self.denses, recorded):
                outputs = self.model(inputs, training=True)
            loss = self.model.compute_loss(inputs, targets, outputs)
        gradients = tape.gradient(loss, self.model.trainable_variables)
        by_variable = {
            id(variable): gradient
            for variable, gradient in zip(self.model.trainable_variables, gradients, strict=True)
        }
        final = last_activation(self.fused)(outputs)
        activations = [*(recorded[index] for index in range(1, len(self.denses))), final]
        results = {
            f"activation/dense_{index}": value for index, value in enumerate(activations, start=1)
        }
        results["loss"] = loss
        for name, variable in self.variables.items():
            results[f"gradient/{name}"] = by_variable[id(variable)]
        if self.network.decision is not None:
            measure = ACCURACY[self.network.decision]
            results["accuracy"] = keras.ops.mean(keras.ops.cast(measure(targets, final), "float64"))
        self.model.optimizer.apply(gradients, self.model.trainable_variables)
        for name, variable in self.variables.items():
            results[f"updated/{name}"] = tf.identity(variable.value)
        for name, (variable, factor) in self.slots.items():
            results[f"updated/{name}"] = variable.value / tf.constant(factor, variable.dtype)
        return results

    def evaluate(self, parameters: Tensors, batch: Batch, want: list[str]) -> Tensors:
        """Activations, loss, gradients, parameters after one step, accuracy and counts."""
        if self._batch[0] is not batch:
            self._batch = (batch, self._tensor(batch.inputs), self._tensor(batch.targets))
        results = self.compute(
            *self._batch[1:],
            {
                name: self._tensor(parameters[name])
                for name in (*self.variables, *self.slots, *self.counted)
            },
        )
        # NumPy has no bfloat16; float32 holds the half precisions.
        half = self.dtype in ("bfloat16", "float16")
        evaluation = {
            name: np.asarray(tf.cast(value, "float32") if half else value)
            for name, value in results.items()
            if name.split("/")[0] in want
        }
        for index, part in enumerate(self.denses, start=1):
            evaluation[f"parameter_count/dense_{index}"] = np.asarray(part.count_params())
        evaluation["parameter_count"] = np.asarray(self.model.count_params())
        return evaluation

    def train(self, state: Tensors, batch: Batch, steps: int, report: Sequence[int]) -> Tensors:
        """Loss, accuracy and parameters before each step of the report, in one compiled loop."""
        decision = self.network.decision

        def accuracy(targets: Any, outputs: Any) -> Any:
            right = ACCURACY[str(decision)](targets, last_activation(self.fused)(outputs))
            return keras.ops.mean(keras.ops.cast(right, "float64"))

        loop = keras_loop.Loop(
            self.model,
            self.variables,
            self.optimizer,
            accuracy if decision else None,
            self._tensor(batch.inputs),
            self._tensor(batch.targets),
        )
        start = {name: self._tensor(state[name]) for name in self.variables}
        return loop.train(start, steps, report)

    def _tensor(self, array: Any) -> Any:
        return tf.cast(tf.constant(array), self.dtype)


ACCURACY: dict[str, Any] = {
    "threshold": lambda targets, outputs: all_right(targets, outputs, 0.5),
    "sign": lambda targets, outputs: all_right(targets > 0, outputs, 0.0),
    "argmax": keras.metrics.categorical_accuracy,
}


def all_right(targets: Any, outputs: Any, threshold: float) -> Any:
    """Whether a sample is right in all of its outputs, which Keras judges one by one."""
    targets = keras.ops.cast(targets, outputs.dtype)
    right = keras.metrics.binary_accuracy(targets, outputs, threshold=threshold)
    return keras.ops.all(right == 1, axis=-1)


def _flat(model: Any) -> list[Any]:
    """The layers of a model and of the models inside it, in order."""
    return [
        inner
        for part in model.layers
        for inner in (_flat(part) if isinstance(part, keras.Model) else [part])
    ]


@contextmanager
def _recording(parts: list[Any], inputs: dict[int, Any]) -> Iterator[None]:
    """Keep what goes into each of the layers while the model is called."""

    def recorder(index: int, call: Any) -> Any:
        def recorded(value: Any, *arguments: Any, **options: Any) -> Any:
            inputs[index] = value
            return call(value, *arguments, **options)

        return recorded

    for index, part in enumerate(parts):
        # Past Keras's own __setattr__, which would track the function as part of the layer.
        object.__setattr__(part, "call", recorder(index, part.call))
    try:
        yield
    finally:
        for part in parts:
            object.__delattr__(part, "call")

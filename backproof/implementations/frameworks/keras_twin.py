"""Keras twins on TensorFlow: any model of known layers, its loss and optimizer, compiled."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from backproof.implementations.frameworks import factory, keras_loop, slots_of, twin_of
from backproof.implementations.frameworks.keras_functions import MODES, apply, last_activation
from backproof.implementations.frameworks.keras_graph import (
    Built,
    build,
    held_by,
    penalised,
    turned,
)
from backproof.implementations.frameworks.keras_memory import release
from backproof.implementations.frameworks.parts import Held, held, inverse
from backproof.implementations.protocol import Tensors
from backproof.mathematics import losses
from backproof.mathematics.errors import UsageError
from backproof.mathematics.layers.port import without_zeros
from backproof.mathematics.network.network import Network
from backproof.mathematics.network.parameters import MASK, Batch
from backproof.mathematics.network.quantities import INPUT_GRADIENT
from backproof.mathematics.optimizers import STEP_COUNT, Optimizer, slot_shapes

__all__ = ["MODES", "apply", "open_twin", "release", "start"]


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
    if model is None:
        built = build(network)
        twin = built.model
    else:
        built, twin = None, factory(model)()
    if not isinstance(twin, keras.Model):
        raise UsageError(f"{model} returned {type(twin).__name__}; return a keras.Model")
    if not twin.compiled:
        own = twin_of("optimizer", optimizer, "keras", "compile the model with one")
        twin.compile(optimizer=own(), loss=data_loss(network, built))
    return KerasTwin(twin, built, network, optimizer, dtype, compiled=compiled, outputs=outputs)


def data_loss(network: Network, built: Built | None = None) -> Any:
    """Keras's loss for the network, reduced as the network says.

    Keras's losses take the mean over the outputs; where the network sums, that is undone. Penalties
    that are divided by the samples stand here, as a layer's regularizer knows of none.
    """
    own = losses.twin(network.loss_function, "keras")
    by_row = network.loss_function.BY_ROW
    undo = network.outputs if network.loss.outputs == "sum" and not by_row else 1

    def loss(targets: Any, outputs: Any, weights: Any = None) -> Any:
        if built is not None:
            # What a sigmoid or softmax gives carries its argument along, which Keras's losses take
            # instead: also where it is not the last function, whose own argument it then is.
            outputs = keras.ops.copy(outputs)
        samples = keras.ops.shape(outputs)[0]
        if len(network.output_shape) > 1:
            targets, outputs = (
                keras.ops.reshape(value, (-1, network.outputs)) for value in (targets, outputs)
            )
        each = own(outputs, targets)
        if weights is not None:
            each = each * keras.ops.repeat(weights, network.rows(1))
        total = (network.loss.scale * undo) * reduced(network, each, targets, samples)
        for name, variable, axes in by_samples(network, built):
            penalty = network.penalty_on(name)
            w = turned(variable, axes)
            share = 1 / keras.ops.cast(samples, w.dtype)
            total = total + share * penalised(penalty, w)
        return total

    return loss


def reduced(network: Network, each: Any, targets: Any, samples: Any) -> Any:
    """The mean or sum over the batch; ``targets`` (rows, outputs)."""
    if network.loss.batch == "mean":
        return keras.ops.mean(each)
    total = keras.ops.sum(each)
    if network.loss.batch == "sum":
        return total
    if network.loss.batch == "valid":
        samples = keras.ops.sum(keras.ops.cast(valid(network, targets), "int32"))
    return total / keras.ops.cast(samples, each.dtype)


def valid(network: Network, targets: Any) -> Any:
    """Which rows of targets the loss does not ignore."""
    rows = keras.ops.reshape(targets, (-1, network.outputs))
    if not network.loss_function.IGNORES:
        return keras.ops.ones(keras.ops.shape(rows)[:1], "bool")
    return keras.ops.any(rows != 0, axis=-1)


def by_samples(network: Network, built: Built | None) -> list[tuple[str, Any, tuple[int, ...]]]:
    """The parameters under a penalty that is divided by the samples, and where they are held."""
    if built is None:
        return []
    return [
        (name, held(each.part, place), axes)
        for each in held_by(network, built.model, built)
        for name, (place, axes) in each.names.items()
        if network.penalty_on(name).batch == "mean"
    ]


class KerasTwin:
    """A compiled model in one traced function: load, forward, loss, gradients, one step."""

    def __init__(
        self,
        model: keras.Model,
        built: Built | None,
        network: Network,
        optimizer: Optimizer,
        dtype: str,
        *,
        compiled: bool,
        outputs: str,
    ) -> None:
        self.model = model
        self.built = built
        self.network = network
        self.optimizer = optimizer
        self.dtype = dtype
        # The activation that the model leaves to its loss.
        fused = network.loss_of == "fused" and outputs == "logits"
        self.fused = network.loss_function.ACTIVATION if fused else None
        self.parts = held_by(network, model, built)
        self.variables = {
            name: held(each.part, place)
            for each in self.parts
            for name, (place, _) in each.names.items()
        }
        # Name of a parameter → the axes that take Keras's to ours.
        self.axes = {name: axes for each in self.parts for name, (_, axes) in each.names.items()}
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
        self.buffers = {
            name: getattr(each.part, place)
            for each in self.parts
            for name, place in each.buffers.items()
        }
        self.counted: dict[str, tuple[int, ...]] = {STEP_COUNT: ()} if optimizer.COUNTS else {}
        # One trace for every batch size.
        self.compute = (
            self._compute
            if not compiled
            else tf.function(
                self._compute,
                input_signature=[
                    tf.TensorSpec((None, *network.input_shape), dtype),
                    tf.TensorSpec((None, *network.output_shape), dtype),
                    {
                        name: tf.TensorSpec(shape, dtype)
                        for name, shape in {
                            **network.shapes(),
                            **slot_shapes(network, optimizer),
                            **self.counted,
                            **{
                                f"{MASK}{node}": (None, *shape)
                                for node, shape in network.masks.items()
                            },
                        }.items()
                    },
                ],
                autograph=False,
            )
        )

    def _compute(
        self, inputs: Any, targets: Any, state: dict[str, Any], weights: Any = None
    ) -> dict[str, Any]:
        for name, variable in self.variables.items():
            variable.assign(self._theirs(name, state[name]))
        for name, (variable, factor) in self.slots.items():
            theirs = self._theirs(name.split("/", 1)[1], state[name])
            variable.assign(theirs * tf.constant(factor, variable.dtype))
        for name, variable in self.buffers.items():
            variable.assign(state[name])
        if self.counted:
            steps = tf.cast(state[STEP_COUNT], self.model.optimizer.iterations.dtype)
            self.model.optimizer.iterations.assign(steps)
        recorded: dict[str, Any] = {}
        with tf.GradientTape() as tape:
            if self.network.input_gradient:
                tape.watch(inputs)
            with recording(self.network, self.parts, self.built, recorded, state):
                outputs = self.model(inputs, training=True)
            loss = self._loss(inputs, targets, outputs, weights)
        gradients, by_inputs = tape.gradient(
            loss,
            (self.model.trainable_variables, inputs if self.network.input_gradient else ()),
        )
        # TensorFlow leaves the gradient of a table as rows and their places, which do not go over a
        # pipe, and of which a step would round the table once for each.
        gradients = [
            tf.convert_to_tensor(each) if isinstance(each, tf.IndexedSlices) else each
            for each in gradients
        ]
        # That of an embedding's table comes as rows with their indices, some of them several times.
        gradients = [
            tf.convert_to_tensor(each) if isinstance(each, tf.IndexedSlices) else each
            for each in gradients
        ]
        by_variable = {
            id(variable): gradient
            for variable, gradient in zip(self.model.trainable_variables, gradients, strict=True)
        }
        final = last_activation(self.fused)(outputs)
        recorded[self.network.last.name] = final
        results = {
            f"activation/{name}": recorded[name]
            for name in self.network.node_names
            if name in recorded
        }
        results["loss"] = loss
        if self.network.input_gradient:
            results[INPUT_GRADIENT] = by_inputs
        for name, variable in self.variables.items():
            results[f"gradient/{name}"] = self._ours(name, by_variable[id(variable)])
        if self.network.decision is not None:
            right = correct(self.network, targets, final)
            counted = keras.ops.cast(valid(self.network, targets), "float64")
            right = keras.ops.cast(right, "float64") * counted
            results["accuracy"] = keras.ops.sum(right) / keras.ops.sum(counted)
        for name, variable in self.buffers.items():
            results[f"updated/{name}"] = tf.identity(variable.value)
        if self.optimizer.AHEAD:
            gradients = self._ahead(inputs, targets, state, weights)
        self.model.optimizer.apply(gradients, self.model.trainable_variables)
        for name, variable in self.variables.items():
            results[f"updated/{name}"] = self._ours(name, tf.identity(variable.value))
        for name, (variable, factor) in self.slots.items():
            kept = variable.value / tf.constant(factor, variable.dtype)
            results[f"updated/{name}"] = self._ours(name.split("/", 1)[1], kept)
        return results

    def _ahead(self, inputs: Any, targets: Any, state: dict[str, Any], weights: Any) -> Any:
        """The gradients of parameters that are ahead; the parameters are as they were after it."""
        for name, variable in self.variables.items():
            slots = {slot: state[f"{slot}/{name}"] for slot in self.optimizer.SLOTS}
            ahead = self.optimizer.ahead_in_twin(state[name], slots)
            variable.assign(self._theirs(name, ahead))
        with tf.GradientTape() as tape:
            with recording(self.network, self.parts, self.built, {}, state):
                outputs = self.model(inputs, training=True)
            loss = self._loss(inputs, targets, outputs, weights)
        gradients = tape.gradient(loss, self.model.trainable_variables)
        for name, variable in self.variables.items():
            variable.assign(self._theirs(name, state[name]))
        return gradients

    def evaluate(self, parameters: Tensors, batch: Batch, want: list[str]) -> Tensors:
        """Activations, loss, gradients, parameters after one step, accuracy and counts."""
        if self._batch[0] is not batch:
            self._batch = (batch, self._tensor(batch.inputs), self._tensor(batch.targets))
        # Few batches have weights: those are computed without a trace of their own.
        weighted = batch.weights is not None
        compute = partial(self._compute, weights=batch.weights) if weighted else self.compute
        results = compute(
            *self._batch[1:],
            {
                name: self._tensor(parameters[name])
                for name in (*self.variables, *self.slots, *self.counted)
            }
            | {name: self._tensor(self._state(parameters, name)) for name in self.buffers}
            | {f"{MASK}{node}": self._tensor(mask) for node, mask in batch.masks.items()},
        )
        # NumPy has no bfloat16; float32 holds the half precisions.
        half = self.dtype in ("bfloat16", "float16")
        evaluation = {
            name: np.asarray(tf.cast(value, "float32") if half else value)
            for name, value in results.items()
            if name.split("/")[0] in want
        }
        for each in self.parts:
            if not each.names:
                continue
            sizes = [np.prod(self.variables[name].shape) for name in each.names]
            evaluation[f"parameter_count/{each.node.name}"] = np.asarray(int(sum(sizes)))
        evaluation["parameter_count"] = np.asarray(
            self.model.count_params() - sum(int(np.prod(v.shape)) for v in self.buffers.values())
        )
        return evaluation

    def _state(self, parameters: Tensors, name: str) -> Any:
        """A buffer in the state, or as it is before the first step."""
        buffer = self.network.buffers[name]
        return parameters.get(name, np.full(buffer.shape, buffer.start))

    def _loss(self, inputs: Any, targets: Any, outputs: Any, weights: Any) -> Any:
        """The model's own loss; of a batch with weights, each sample's share times its weight."""
        if weights is None:
            return self.model.compute_loss(inputs, targets, outputs)
        if self.built is None:
            return self.model.compute_loss(inputs, targets, outputs, sample_weight=weights)
        own = data_loss(self.network, self.built)(targets, outputs, self._tensor(weights))
        return own + sum(self.model.losses)

    def _ours(self, name: str, value: Any) -> Any:
        """A parameter's array in our layout."""
        return turned(value, self.axes[name])

    def _theirs(self, name: str, value: Any) -> Any:
        """Ours in Keras's layout."""
        return turned(value, inverse(self.axes[name]))

    def train(self, state: Tensors, batch: Batch, steps: int, report: Sequence[int]) -> Tensors:
        """Loss, accuracy and parameters before each step of the report, in one compiled loop."""

        def accuracy(targets: Any, outputs: Any) -> Any:
            right = correct(self.network, targets, last_activation(self.fused)(outputs))
            counted = keras.ops.cast(valid(self.network, targets), "float64")
            right = keras.ops.cast(right, "float64") * counted
            return keras.ops.sum(right) / keras.ops.sum(counted)

        loop = keras_loop.Loop(
            self.model,
            self.variables,
            self.optimizer,
            accuracy if self.network.decision else None,
            self._tensor(batch.inputs),
            self._tensor(batch.targets),
        )
        start = {name: self._tensor(state[name]) for name in self.variables}
        return loop.train(start, steps, report)

    def _tensor(self, array: Any) -> Any:
        return tf.cast(tf.constant(array), self.dtype)


def correct(network: Network, targets: Any, outputs: Any) -> Any:
    """Whether each row is classified as the targets say, by Keras's own metrics.

    A row is right in all of its outputs, which Keras judges one by one.
    """
    targets, outputs = (
        keras.ops.reshape(value, (-1, network.outputs)) for value in (targets, outputs)
    )
    if network.decision == "argmax":
        return keras.metrics.categorical_accuracy(targets, outputs)
    yes = targets > network.yes_above
    between = network.output_above
    yes = keras.ops.cast(yes, outputs.dtype)
    right = keras.metrics.binary_accuracy(yes, outputs, threshold=between)
    return keras.ops.all(right == 1, axis=-1)


@contextmanager
def recording(
    network: Network,
    parts: Sequence[Held],
    built: Built | None,
    found: dict[str, Any],
    state: dict[str, Any],
) -> Iterator[None]:
    """Keep what every node gives while the model is called; masks are those of the state.

    Of a user's own model only what comes into the layers with parameters is seen.
    """

    def outputs_of(name: str, call: Any) -> Any:
        def recorded(value: Any, *arguments: Any, **options: Any) -> Any:
            found[name] = call(value, *arguments, **options)
            return found[name]

        return recorded

    def inputs_of(each: Held, call: Any) -> Any:
        lengths = network.output_shapes[each.source][:-1]

        def recorded(value: Any, *arguments: Any, **options: Any) -> Any:
            found[each.source] = without_zeros(each.port, value, lengths)
            return call(value, *arguments, **options)

        return recorded

    calls = {id(each.part): masked(each, state) for each in parts if each.port.masked is not None}

    def call_of(part: Any) -> Any:
        return calls.get(id(part), part.call)

    watched = (
        [(part, outputs_of(name, call_of(part))) for name, part in built.parts.items()]
        if built is not None
        else [
            (each.part, inputs_of(each, call_of(each.part)) if each.source else own)
            for each in parts
            for own in [call_of(each.part)]
        ]
    )
    for part, call in watched:
        # Past Keras's own __setattr__, which would track the function as part of the layer.
        object.__setattr__(part, "call", call)
    try:
        yield
    finally:
        for part, _ in watched:
            object.__delattr__(part, "call")


def masked(each: Held, state: dict[str, Any]) -> Any:
    """What a part computes with its mask, in the place of random numbers of its own."""
    rule = each.port.masked
    assert rule is not None
    return lambda x, *arguments, **options: rule(state[f"{MASK}{each.node.name}"], x)

"""JAX twins: functions built from the network, or given, differentiated by `jax.value_and_grad`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from backproof.implementations.frameworks import factory, twin_of
from backproof.implementations.frameworks.jax_functions import MODES, apply
from backproof.implementations.protocol import Tensors
from backproof.mathematics import functions, losses
from backproof.mathematics.errors import UsageError
from backproof.mathematics.network.network import Network
from backproof.mathematics.network.node import INPUTS
from backproof.mathematics.network.parameters import MASK, Batch
from backproof.mathematics.network.quantities import INPUT_GRADIENT
from backproof.mathematics.optimizers import STEP_COUNT, Optimizer

__all__ = ["MODES", "apply", "open_twin", "start"]

# Parameters by name and inputs in; what every node gives (by its name, or as a list in the order of
# computation) and the model's output out.
Forward = Callable[[dict[str, Any], Any], tuple[Any, Any]]


def start(dtype: str) -> dict[str, str]:
    """64-bit arrays must be asked for before the first one is made."""
    jax.config.update("jax_enable_x64", dtype == "float64")
    return {"jax": jax.__version__}


def open_twin(
    model: str | None,
    network: Network,
    optimizer: Optimizer,
    dtype: str,
    *,
    compiled: bool = True,
    outputs: str = "logits",
) -> JaxTwin:
    """The named factory's ``forward(parameters, inputs)``, or one built from the network."""
    if outputs != "logits":
        raise UsageError(f"a JAX twin's loss is of logits, not of {outputs}: leave it out of forms")
    if model is None:
        return built(network, optimizer, dtype)
    forward = factory(model)()
    if not callable(forward):
        raise UsageError(f"{model} returned {type(forward).__name__}; return a function")
    return JaxTwin(forward, network, optimizer, dtype)


@cache
def built(network: Network, optimizer: Optimizer, dtype: str) -> JaxTwin:
    """A twin built from the network, and kept, for JAX compiles it for each number of samples."""
    return JaxTwin(build(network), network, optimizer, dtype)


def build(network: Network) -> Forward:
    """The nodes in plain JAX; logits come out where the loss takes them."""
    fused = network.loss_of == "fused"
    ports = {node.name: node.layer.jax(*network.shapes_into(node)) for node in network.nodes}
    layers = {
        node.name: ports[node.name].make(node is network.last and fused) for node in network.nodes
    }

    def forward(parameters: dict[str, Any], inputs: Any) -> tuple[dict[str, Any], Any]:
        given = {INPUTS: inputs}
        moved: dict[str, Any] = {}
        for node in network.nodes:
            uses = network.uses[node.name]
            held = {
                own: parameters[use.parameter].T if use.transposed else parameters[use.parameter]
                for own, use in uses.items()
            }
            taken = [given[name] for name in node.inputs]
            if node.name in network.masks:
                held["mask"] = parameters[f"{MASK}{node.name}"]
            port = ports[node.name]
            held |= {own: parameters[f"{node.name}/{own}"] for own in port.buffers}
            given[node.name] = layers[node.name](held, *taken)
            if port.moved is not None:
                after = port.moved(held, *taken)
                moved |= {f"updated/{node.name}/{own}": v for own, v in after.items()}
        outputs = given[network.last.name]
        if fused:
            last = network.last.layer.function
            assert last is not None
            given[network.last.name] = functions.twin(last, "jax")(outputs)
        return {name: given[name] for name in network.node_names} | moved, outputs

    return forward


def data_loss(network: Network, outputs: Any, targets: Any, weights: Any = None) -> Any:
    """The loss as JAX's users write it, reduced as the network says."""
    if outputs.ndim > 2:
        outputs, targets = (x.reshape(-1, network.outputs) for x in (outputs, targets))
    rows = losses.twin(network.loss_function, "jax")(outputs, targets)
    if rows.ndim == 2:
        rows = rows.mean(axis=1) if network.loss.outputs == "mean" else rows.sum(axis=1)
    if weights is not None:
        rows = rows * jnp.repeat(weights, network.rows(1))
    total = rows.sum()
    if network.loss.batch == "mean":
        total = rows.mean()
    elif network.loss.batch == "samples":
        total = total / (len(rows) // network.rows(1))
    elif network.loss.batch == "valid":
        total = total / (targets != 0).any(axis=1).sum()
    return network.loss.scale * total


def magnitude(w: Any) -> Any:
    """|w| with the definition's slope at 0, which is 0; that of jnp.abs is 1 there."""
    return w * jax.lax.stop_gradient(jnp.sign(w))


class JaxTwin:
    """Forward pass, loss and gradients in one jitted function, and one step in another.

    The first is compiled for each size of a batch, the second once.
    """

    def __init__(
        self, forward: Forward, network: Network, optimizer: Optimizer, dtype: str
    ) -> None:
        self.forward = forward
        self.network = network
        self.optimizer = optimizer
        self.dtype = dtype
        self.change = twin_of("optimizer", optimizer, "jax", "compare with another reference")
        # The arguments of the loss by which it is differentiated: parameters, and inputs.
        self.by = (0, 1) if network.input_gradient else (0,)
        self.compute, self.step = jax.jit(self._compute), jax.jit(self._step)
        self.ahead = jax.jit(self._ahead)

    def _loss(
        self, parameters: dict[str, Any], inputs: Any, besides: Any, targets: Any, weights: Any
    ) -> tuple[Any, Any]:
        activations, outputs = self.forward({**parameters, **besides}, inputs)
        total = data_loss(self.network, outputs, targets, weights)
        for name, parameter in parameters.items():
            penalty = self.network.penalty_on(name)
            n = penalty.divisor(len(inputs))
            if penalty.l2:
                total = total + penalty.l2 / n * jnp.sum(jnp.square(parameter))
            if penalty.l1:
                total = total + penalty.l1 / n * jnp.sum(magnitude(parameter))
        if not isinstance(activations, dict):  # a user's own: a list, in the order of computation
            activations = dict(zip(self.network.node_names, activations, strict=True))
        return total, activations

    def _compute(
        self, state: dict[str, Any], inputs: Any, targets: Any, weights: Any = None
    ) -> dict[str, Any]:
        gradient = jax.value_and_grad(self._loss, self.by, has_aux=True)
        parameters = {name: state[name] for name in self.network.shapes()}
        masks = {f"{MASK}{node}": state[f"{MASK}{node}"] for node in self.network.masks}
        besides = masks | {name: state[name] for name in self.network.buffers}
        (loss, activations), (gradients, *by_inputs) = gradient(
            parameters, inputs, besides, targets, weights
        )
        results = {
            name if name.startswith("updated/") else f"activation/{name}": value
            for name, value in activations.items()
        }
        results["loss"] = loss
        results |= {f"gradient/{name}": value for name, value in gradients.items()}
        results |= dict(zip([INPUT_GRADIENT], by_inputs, strict=False))
        if self.network.decision is not None:
            final = activations[self.network.last.name]
            right = correct(self.network, final, targets)
            counted = valid(self.network, targets)
            results["accuracy"] = jnp.sum(right & counted) / jnp.sum(counted)
        return results

    def _results(
        self, state: dict[str, Any], inputs: Any, targets: Any, weights: Any = None
    ) -> dict[str, Any]:
        """All of it."""
        results = taken = self.compute(state, inputs, targets, weights)
        if self.optimizer.AHEAD:
            taken = self.compute(self.ahead(state), inputs, targets, weights)
        gradients = {name: taken[f"gradient/{name}"] for name in self.network.shapes()}
        own = {name: value for name, value in state.items() if not name.startswith(MASK)}
        return {**results, **self.step(own, gradients)}

    def _ahead(self, state: dict[str, Any]) -> dict[str, Any]:
        """Where the step takes its gradients, if not at the parameters."""
        return state | {
            name: self.optimizer.ahead_in_twin(state[name], self._slots(state, name))
            for name in self.network.shapes()
        }

    def _step(self, state: dict[str, Any], gradients: dict[str, Any]) -> dict[str, Any]:
        results = {}
        t = state[STEP_COUNT] + 1 if self.optimizer.COUNTS else None
        gradients = self.optimizer.jax_prepared(gradients)
        for name in self.network.shapes():
            slots = self._slots(state, name)
            change, slots = self.change(state[name], gradients[name], slots, t)
            results[f"updated/{name}"] = state[name] - change
            results |= {f"updated/{slot}/{name}": value for slot, value in slots.items()}
        return results

    def _slots(self, state: dict[str, Any], name: str) -> dict[str, Any]:
        return {slot: state[f"{slot}/{name}"] for slot in self.optimizer.SLOTS}

    def evaluate(self, parameters: Tensors, batch: Batch, want: list[str]) -> Tensors:
        """Activations, loss, gradients, parameters after one step, accuracy and counts."""
        weights = None if batch.weights is None else jnp.asarray(batch.weights, self.dtype)
        state = {f"{MASK}{node}": mask for node, mask in batch.masks.items()}
        for name, buffer in self.network.buffers.items():
            state[name] = np.full(buffer.shape, buffer.start)
        given = {
            name: jnp.asarray(array, self.dtype) for name, array in (state | parameters).items()
        }
        inputs, targets = (jnp.asarray(x, self.dtype) for x in (batch.inputs, batch.targets))
        results = self._results(given, inputs, targets, weights)
        # float32 holds the half precisions, as they cross the pipe.
        wide = "float32" if "16" in self.dtype else self.dtype
        evaluation = {name: np.asarray(value.astype(wide)) for name, value in results.items()}
        counts: dict[str, int] = {}
        for key in self.network.shapes():
            node = key.partition("/")[0]
            counts[node] = counts.get(node, 0) + parameters[key].size
        evaluation |= {f"parameter_count/{node}": np.asarray(n) for node, n in counts.items()}
        evaluation["parameter_count"] = np.asarray(sum(counts.values()))
        return evaluation

    def train(self, state: Tensors, batch: Batch, steps: int, report: Sequence[int]) -> Tensors:
        """Loss, accuracy and parameters before each step of the report, in one compiled loop."""
        inputs, targets = (jnp.asarray(a, self.dtype) for a in (batch.inputs, batch.targets))

        def step(_: Any, state: dict[str, Any]) -> dict[str, Any]:
            results = self._results(state, inputs, targets)
            return {name: results[f"updated/{name}"] for name in state}

        run = jax.jit(lambda state, count: jax.lax.fori_loop(0, count, step, state))
        held = {name: jnp.asarray(array, self.dtype) for name, array in state.items()}
        found: dict[str, list[Any]] = {}
        made = 0
        for index, wanted in enumerate((*report, steps)):
            held = run(held, wanted - made)
            made = wanted
            if index == len(report):
                break
            results = self.compute(held, inputs, targets)
            kept = {name: results[name] for name in ("loss", "accuracy") if name in results}
            kept |= {f"parameters/{name}": held[name] for name in self.network.shapes()}
            for name, value in kept.items():
                found.setdefault(name, []).append(np.asarray(value))
        return {name: np.array(values) for name, values in found.items()}


def valid(network: Network, targets: Any) -> Any:
    """Which rows of targets the loss does not ignore."""
    rows = targets.reshape(-1, network.outputs)
    if not network.loss_function.IGNORES:
        return jnp.ones(len(rows), bool)
    return (rows != 0).any(axis=1)


def correct(network: Network, final: Any, targets: Any) -> Any:
    """Which rows are classified as the targets say."""
    final, targets = (x.reshape(-1, network.outputs) for x in (final, targets))
    if network.decision == "argmax":
        return final.argmax(axis=1) == targets.argmax(axis=1)
    between = network.output_above
    return ((final > between) == (targets > network.yes_above)).all(axis=1)

"""JAX twins: functions built from the network, or given, differentiated by `jax.value_and_grad`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from backproof.implementations.frameworks import factory, twin_of
from backproof.implementations.frameworks.jax_functions import LOSSES, MODES, activation, apply
from backproof.implementations.protocol import Tensors
from backproof.mathematics import losses
from backproof.mathematics.errors import UsageError
from backproof.mathematics.network.network import Network
from backproof.mathematics.network.parameters import Batch
from backproof.mathematics.optimizers import STEP_COUNT, Optimizer

__all__ = ["MODES", "apply", "open_twin", "start"]

# Parameters by name and inputs in, the activation of every layer and the model's output out.
Forward = Callable[[dict[str, Any], Any], tuple[list[Any], Any]]


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
    """Dense layers in plain JAX; logits come out where the loss takes them."""
    fused = losses.named(network.loss.kind).ACTIVATION is not None

    def forward(parameters: dict[str, Any], inputs: Any) -> tuple[list[Any], Any]:
        a, z, activations = inputs, inputs, []
        for name, layer in network.named_layers():
            z = a @ parameters[f"{name}/kernel"]
            if layer.bias:
                z = z + parameters[f"{name}/bias"]
            a = activation(layer.activation)(z)
            activations.append(a)
        return activations, z if fused else a

    return forward


def data_loss(network: Network, outputs: Any, targets: Any) -> Any:
    """The loss as JAX's users write it, reduced as the network says."""
    kind = network.loss.kind
    if kind not in LOSSES:
        raise UsageError(f"no JAX twin for loss {kind!r}: give a model of your own")
    rows = LOSSES[kind](outputs, targets)
    if rows.ndim == 2:
        rows = rows.mean(axis=1) if network.loss.outputs == "mean" else rows.sum(axis=1)
    total = rows.mean() if network.loss.batch == "mean" else rows.sum()
    return network.loss.scale * total


def magnitude(w: Any) -> Any:
    """|w| with the definition's slope at 0, which is 0; that of jnp.abs is 1 there."""
    return w * jax.lax.stop_gradient(jnp.sign(w))


# The output above which a unit says yes.
THRESHOLDS = {"threshold": 0.5, "sign": 0.0}


class JaxTwin:
    """Forward pass, loss, gradients and one step in one jitted function."""

    def __init__(
        self, forward: Forward, network: Network, optimizer: Optimizer, dtype: str
    ) -> None:
        self.forward = forward
        self.network = network
        self.optimizer = optimizer
        self.dtype = dtype
        self.change = twin_of("optimizer", optimizer, "jax", "compare with another reference")
        self.compute = jax.jit(self._compute)

    def _loss(self, parameters: dict[str, Any], inputs: Any, targets: Any) -> tuple[Any, Any]:
        activations, outputs = self.forward(parameters, inputs)
        total = data_loss(self.network, outputs, targets)
        penalty = self.network.penalty
        for name, parameter in parameters.items():
            if name.endswith("kernel") or penalty.biases:
                if penalty.l2:
                    total = total + penalty.l2 * jnp.sum(jnp.square(parameter))
                if penalty.l1:
                    total = total + penalty.l1 * jnp.sum(magnitude(parameter))
        return total, activations

    def _compute(self, state: dict[str, Any], inputs: Any, targets: Any) -> dict[str, Any]:
        gradient = jax.value_and_grad(self._loss, has_aux=True)
        parameters = {name: state[name] for name in self.network.shapes()}
        (loss, activations), gradients = gradient(parameters, inputs, targets)
        results = {f"activation/dense_{i}": a for i, a in enumerate(activations, start=1)}
        results["loss"] = loss
        results |= {f"gradient/{name}": value for name, value in gradients.items()}
        t = state[STEP_COUNT] + 1 if self.optimizer.COUNTS else None
        for name, parameter in parameters.items():
            slots = {slot: state[f"{slot}/{name}"] for slot in self.optimizer.SLOTS}
            change, slots = self.change(parameter, gradients[name], slots, t)
            results[f"updated/{name}"] = parameter - change
            results |= {f"updated/{slot}/{name}": value for slot, value in slots.items()}
        if self.network.decision is not None:
            final = activations[-1]
            if self.network.decision == "argmax":
                right = final.argmax(axis=1) == targets.argmax(axis=1)
            else:
                between = THRESHOLDS[self.network.decision]
                right = ((final > between) == (targets > between)).all(axis=1)
            results["accuracy"] = jnp.sum(right) / len(right)
        return results

    def evaluate(self, parameters: Tensors, batch: Batch, want: list[str]) -> Tensors:
        """Activations, loss, gradients, parameters after one step, accuracy and counts."""
        results = self.compute(
            {name: jnp.asarray(array, self.dtype) for name, array in parameters.items()},
            jnp.asarray(batch.inputs, self.dtype),
            jnp.asarray(batch.targets, self.dtype),
        )
        # float32 holds the half precisions, as they cross the pipe.
        wide = "float32" if "16" in self.dtype else self.dtype
        evaluation = {name: np.asarray(value.astype(wide)) for name, value in results.items()}
        for name, _ in self.network.named_layers():
            sizes = [
                parameters[key].size for key in self.network.shapes() if key.startswith(f"{name}/")
            ]
            evaluation[f"parameter_count/{name}"] = np.asarray(sum(sizes))
        evaluation["parameter_count"] = np.asarray(
            sum(parameters[key].size for key in self.network.shapes())
        )
        return evaluation

    def train(self, state: Tensors, batch: Batch, steps: int, report: Sequence[int]) -> Tensors:
        """Loss, accuracy and parameters before each step of the report, in one compiled loop."""
        inputs, targets = (jnp.asarray(a, self.dtype) for a in (batch.inputs, batch.targets))

        def step(_: Any, state: dict[str, Any]) -> dict[str, Any]:
            results = self._compute(state, inputs, targets)
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

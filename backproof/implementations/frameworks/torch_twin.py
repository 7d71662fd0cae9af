"""PyTorch twins: any module of linear layers, its own loss and optimizer, evaluated by autograd."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from backproof.implementations.frameworks import factory, slots_of, torch_loop, twin_of
from backproof.implementations.frameworks.parts import Held, inverse
from backproof.implementations.frameworks.parts import held as held_at
from backproof.implementations.frameworks.torch_functions import MODES, apply, last_activation
from backproof.implementations.frameworks.torch_graph import Graph, held_by, turned
from backproof.implementations.protocol import Tensors
from backproof.mathematics import losses
from backproof.mathematics.errors import UsageError
from backproof.mathematics.layers.port import without_zeros
from backproof.mathematics.network.network import Network
from backproof.mathematics.network.parameters import Batch
from backproof.mathematics.network.quantities import INPUT_GRADIENT
from backproof.mathematics.optimizers import STEP_COUNT, Optimizer

__all__ = ["MODES", "apply", "open_twin", "start"]


def start(dtype: str) -> dict[str, str]:
    """One thread, and the dtype before the first layer is made."""
    torch.set_num_threads(1)
    # NNPACK may take Winograd's algorithm for 3 × 3 kernels, which no bound of one sum holds for.
    torch.backends.nnpack.set_flags(False)
    torch.set_default_dtype(getattr(torch, dtype))
    # The first optimizer imports half of PyTorch, its compiler included.
    torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    return {"torch": torch.__version__}


def open_twin(
    model: str | None,
    network: Network,
    optimizer: Optimizer,
    dtype: str,
    *,
    compiled: bool = True,
    outputs: str = "logits",
) -> TorchTwin:
    """The named module, or an idiomatic one built from the network."""
    module = Graph(network) if model is None else factory(model)()
    if not isinstance(module, nn.Module):
        raise UsageError(f"{model} returned {type(module).__name__}; return a torch.nn.Module")
    return TorchTwin(module.to(getattr(torch, dtype)), network, optimizer, outputs)


class TorchTwin:
    """A module with the hooks that read its activations."""

    def __init__(
        self, module: nn.Module, network: Network, optimizer: Optimizer, outputs: str
    ) -> None:
        self.module = module
        self.network = network
        # The activation that the module leaves to its loss.
        fused = network.loss_of == "fused" and outputs == "logits"
        self.fused = network.loss_function.ACTIVATION if fused else None
        self.parts = held_by(network, module)
        # By name: the module that holds the parameter, its name there, the axes that make it ours.
        self.places = {
            name: (each.part, *place) for each in self.parts for name, place in each.names.items()
        }
        configure = getattr(module, "configure_optimizers", None)
        self.optimizer: torch.optim.Optimizer = (
            configure() if configure else own_optimizer(optimizer, module)
        )
        # By slot: what it is called in the state, and the factor that it has there.
        self.homes = {
            slot: (home, 1.0) if isinstance(home, str) else home
            for slot, home in slots_of(optimizer, "torch").items()
        }
        self.described = optimizer
        self.slots = optimizer.SLOTS
        self.recipe = optimizer
        self._batch: tuple[Any, Any, Any] = (None, None, None)
        self.weights: Tensor | None = None
        self.masks: dict[str, Tensor] = {}
        self.recorded: dict[str, Tensor] = {}
        self._take_masks()
        self._record()

    def _take_masks(self) -> None:
        """Have the mask of the batch in the place of random numbers."""

        def masked(name: str, rule: Any) -> Any:
            return lambda _, arguments, output: rule(self.masks[name], arguments[0])

        for each in self.parts:
            if each.port.masked is not None:
                each.part.register_forward_hook(masked(each.node.name, each.port.masked))

    def _record(self) -> None:
        """Keep what every node gives while the module is called.

        Of a user's own module only what comes into the layers with parameters is seen.
        """

        def gives(name: str) -> Any:
            return lambda _, arguments, output: self.recorded.__setitem__(name, output)

        def takes(each: Held) -> Any:
            lengths = self.network.output_shapes[each.source][:-1]

            def keep(_: Any, arguments: Any) -> None:
                x, *_ = arguments
                x = x.movedim(1, -1) if each.layout == "first" else x
                self.recorded[each.source] = without_zeros(each.port, x, lengths)

            return keep

        if isinstance(self.module, Graph):
            for name, layer in self.module.layers.items():
                layer.register_forward_hook(gives(name))
            return
        for each in self.parts:
            if each.source:
                each.part.register_forward_pre_hook(takes(each))

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """The module's own ``loss`` where it has one, else PyTorch's for the network."""
        own = getattr(self.module, "loss", None)
        if own is not None:
            result: Tensor = own(outputs, targets)
            return result
        total = data_loss(self.network, outputs, targets, self.weights)
        for name, parameter in self._parameters():
            penalty = self.network.penalty_on(name)
            n = penalty.divisor(len(outputs))
            if penalty.l2:
                total = total + penalty.l2 / n * parameter.square().sum()
            if penalty.l1:
                total = total + penalty.l1 / n * parameter.abs().sum()
        return total

    def load(self, state: Tensors) -> None:
        """Copy parameters and slots in; PyTorch keeps a kernel as (fan_out, fan_in)."""
        if self.slots or self.described.COUNTS:
            self.described.torch_counted(self.optimizer, int(state.get(STEP_COUNT, 0)))
        with torch.no_grad():
            for name, parameter in self._parameters():
                parameter.copy_(self._theirs(name, torch.from_numpy(state[name])))
                for slot in self.slots:
                    held = torch.from_numpy(state[f"{slot}/{name}"]).to(parameter.dtype)
                    home, factor = self.homes[slot]
                    held = self._theirs(name, held) * factor
                    self.optimizer.state[parameter][home] = held
            for name, buffer in self._buffers():
                if name in state:
                    buffer.copy_(torch.from_numpy(state[name]))
                else:
                    buffer.fill_(self.network.buffers[name].start)

    def evaluate(self, parameters: Tensors, batch: Batch, want: list[str]) -> Tensors:
        """Activations, loss, gradients, parameters after one step, accuracy and counts."""
        self.load(parameters)
        self.recorded.clear()
        inputs, targets = self._tensors(batch)
        if self.network.input_gradient:
            inputs = inputs.detach().clone().requires_grad_()
        self.masks = {n: torch.tensor(m).to(inputs.dtype) for n, m in batch.masks.items()}
        self.weights = None
        if batch.weights is not None:
            self.weights = torch.tensor(batch.weights).to(inputs.dtype)
        self.optimizer.zero_grad()
        outputs = self.module(inputs)
        loss = self.loss(outputs, targets)
        loss.backward()
        results: dict[str, Any] = {"loss": loss}
        if inputs.grad is not None:
            results[INPUT_GRADIENT] = inputs.grad
        with torch.no_grad():
            if "activation" in want or "accuracy" in want:
                final = last_activation(self.fused)(outputs)
                self.recorded[self.network.last.name] = final
                for name in self.network.node_names:
                    if name in self.recorded:
                        results[f"activation/{name}"] = self.recorded[name]
                if self.network.decision is not None:
                    results["accuracy"] = accuracy(self.network, final, targets)
            for name, parameter in self._parameters():
                if parameter.grad is None:
                    raise UsageError(f"{name} got no gradient: is it frozen?")
                results[f"gradient/{name}"] = self._ours(name, parameter.grad).clone()
            for name, buffer in self._buffers():
                results[f"updated/{name}"] = buffer.clone()
            if self.described.AHEAD:
                self._take_ahead(parameters, inputs, targets)
            self.optimizer.step()
            for name, parameter in self._parameters():
                results[f"updated/{name}"] = self._ours(name, parameter).clone()
                for slot in self.slots:
                    home, factor = self.homes[slot]
                    kept = self.optimizer.state[parameter][home] / factor
                    results[f"updated/{slot}/{name}"] = self._ours(name, kept)
        results |= self._counts()
        return {
            name: held(value.detach()) if isinstance(value, Tensor) else np.asarray(value)
            for name, value in results.items()
        }

    def _take_ahead(self, state: Tensors, inputs: Tensor, targets: Tensor) -> None:
        """Leave the gradients of parameters that are ahead, for the step to take."""
        held = {name: parameter.clone() for name, parameter in self._parameters()}
        for name, parameter in self._parameters():
            slots = {slot: self._tensor_of(state, slot, name, parameter) for slot in self.slots}
            parameter.copy_(self.described.ahead_in_twin(parameter, slots))
        self.optimizer.zero_grad()
        with torch.enable_grad():
            self.loss(self.module(inputs.detach()), targets).backward()
        for name, parameter in self._parameters():
            parameter.copy_(held[name])

    def _tensor_of(self, state: Tensors, slot: str, name: str, like: Tensor) -> Tensor:
        return self._theirs(name, torch.from_numpy(state[f"{slot}/{name}"]).to(like.dtype))

    def train(self, state: Tensors, batch: Batch, steps: int, report: Sequence[int]) -> Tensors:
        """Loss, accuracy and parameters before each step of the report; see `torch_loop`."""
        self.load(state)
        inputs, targets = self._tensors(batch)
        own = list(self.module.parameters())
        step = torch_loop.traced(self.module, self.loss, self.recipe, inputs, targets)
        found: dict[str, list[np.ndarray[Any, Any]]] = {}

        def tell(weights: tuple[Tensor, ...]) -> None:
            with torch.no_grad():
                for parameter, weight in zip(own, weights, strict=True):
                    parameter.copy_(weight)
                outputs = self.module(inputs)
                results: dict[str, Any] = {"loss": self.loss(outputs, targets)}
                if self.network.decision is not None:
                    final = last_activation(self.fused)(outputs)
                    right = accuracy(self.network, final, targets)
                    results["accuracy"] = torch.tensor(right, dtype=torch.float64)
                for name, parameter in self._parameters():
                    results[f"parameters/{name}"] = self._ours(name, parameter)
            for name, value in results.items():
                found.setdefault(name, []).append(held(value.detach()).copy())

        start = tuple(parameter.detach().clone() for parameter in own)
        torch_loop.train(step, start, steps, report, tell)
        self.recorded.clear()
        return {name: np.array(values) for name, values in found.items()}

    def _tensors(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """The batch as tensors, made once for all the steps on it."""
        if self._batch[0] is not batch:
            dtype = next(self.module.parameters()).dtype
            self._batch = (
                batch,
                torch.tensor(batch.inputs).to(dtype),
                torch.tensor(batch.targets).to(dtype),
            )
        return self._batch[1:]

    def _parameters(self) -> Iterator[tuple[str, nn.Parameter]]:
        for name, (part, place, _) in self.places.items():
            yield name, held_at(part, place)

    def _buffers(self) -> Iterator[tuple[str, Tensor]]:
        """What a step moves without a gradient, such as running means."""
        for each in self.parts:
            for name, place in each.buffers.items():
                yield name, getattr(each.part, place)

    def _ours(self, name: str, value: Tensor) -> Tensor:
        """A parameter's array in our layout: PyTorch keeps a kernel as (fan_out, fan_in)."""
        return turned(value, self.places[name][2])

    def _theirs(self, name: str, value: Tensor) -> Tensor:
        """Ours in PyTorch's layout."""
        return turned(value, inverse(self.places[name][2]))

    def _counts(self) -> dict[str, int]:
        counts = {
            f"parameter_count/{each.node.name}": sum(
                held_at(each.part, place).numel() for place, _ in each.names.values()
            )
            for each in self.parts
            if each.names
        }
        return counts | {"parameter_count": sum(p.numel() for p in self.module.parameters())}


def own_optimizer(optimizer: Optimizer, module: nn.Module) -> torch.optim.Optimizer:
    """PyTorch's optimizer of that name, with the same coefficients."""
    remedy = "give a model with configure_optimizers"
    made: torch.optim.Optimizer = twin_of("optimizer", optimizer, "torch", remedy)(
        module.parameters()
    )
    return made


def held(value: Tensor) -> np.ndarray[Any, Any]:
    """As an array; NumPy has no bfloat16, and float32 holds the half precisions."""
    array: np.ndarray[Any, Any] = (
        value.float() if value.dtype in (torch.bfloat16, torch.float16) else value
    ).numpy()
    return array


def data_loss(
    network: Network, outputs: Tensor, targets: Tensor, weights: Tensor | None = None
) -> Tensor:
    """PyTorch's loss for the network's kind, reduced as the network says."""
    if outputs.ndim > 2:
        outputs, targets = (x.reshape(-1, network.outputs) for x in (outputs, targets))
    rows = losses.twin(network.loss_function, "torch")(outputs, targets)
    if rows.ndim == 2:
        rows = rows.mean(dim=1) if network.loss.outputs == "mean" else rows.sum(dim=1)
    if weights is not None:
        rows = rows * weights.repeat_interleave(network.rows(1))
    total = rows.sum()
    if network.loss.batch == "mean":
        total = rows.mean()
    elif network.loss.batch == "samples":
        total = total / (len(rows) // network.rows(1))
    elif network.loss.batch == "valid":
        total = total / (targets != 0).any(dim=1).sum()
    return network.loss.scale * total


def accuracy(network: Network, final: Tensor, targets: Tensor) -> float:
    """The share of rows classified as the targets say."""
    if final.ndim > 2:
        final, targets = (x.reshape(-1, network.outputs) for x in (final, targets))
    if network.loss_function.IGNORES:
        counted = (targets != 0).any(dim=1)
        final, targets = final[counted], targets[counted]
    if network.decision == "argmax":
        right = final.argmax(dim=1) == targets.argmax(dim=1)
    else:
        between = network.output_above
        right = ((final > between) == (targets > network.yes_above)).all(dim=1)
    return float(right.double().mean())

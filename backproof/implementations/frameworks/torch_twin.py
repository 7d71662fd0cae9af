"""PyTorch twins: any module of linear layers, its own loss and optimizer, evaluated by autograd."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from backproof.implementations.frameworks import factory, slots_of, torch_loop, twin_of
from backproof.implementations.frameworks.torch_functions import (
    LOSSES,
    MODES,
    activation,
    apply,
    last_activation,
)
from backproof.implementations.protocol import Tensors
from backproof.mathematics import losses
from backproof.mathematics.errors import UsageError
from backproof.mathematics.network.network import Network
from backproof.mathematics.network.parameters import Batch
from backproof.mathematics.optimizers import STEP_COUNT, Optimizer

__all__ = ["MODES", "apply", "open_twin", "start"]


def start(dtype: str) -> dict[str, str]:
    """One thread, and the dtype before the first layer is made."""
    torch.set_num_threads(1)
    torch.set_default_dtype(getattr(torch, dtype))
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
    module = build(network) if model is None else factory(model)()
    if not isinstance(module, nn.Module):
        raise UsageError(f"{model} returned {type(module).__name__}; return a torch.nn.Module")
    return TorchTwin(module.to(getattr(torch, dtype)), network, optimizer, outputs)


def build(network: Network) -> nn.Module:
    """``nn.Sequential`` of linear layers and activations; it ends in logits for a cross-entropy."""
    fused = losses.named(network.loss.kind).ACTIVATION is not None
    parts: list[nn.Module] = []
    for index, layer in enumerate(network.layers):
        linear = nn.Linear(layer.fan_in, layer.fan_out, bias=bool(layer.bias))
        if layer.bias == "scalar":  # one number, which F.linear adds to every unit
            linear.bias = nn.Parameter(torch.zeros(1))
        parts.append(linear)
        if not (fused and index == len(network.layers) - 1):
            parts.append(activation(layer.activation))
    return nn.Sequential(*parts)


class TorchTwin:
    """A module with the hooks that read its activations."""

    def __init__(
        self, module: nn.Module, network: Network, optimizer: Optimizer, outputs: str
    ) -> None:
        self.module = module
        self.network = network
        # The activation that the module leaves to its loss.
        self.fused = losses.named(network.loss.kind).ACTIVATION if outputs == "logits" else None
        self.linears = self._in_order_of_computation()
        configure = getattr(module, "configure_optimizers", None)
        self.optimizer: torch.optim.Optimizer = (
            configure() if configure else own_optimizer(optimizer, module)
        )
        self.homes = slots_of(optimizer, "torch")
        self.described = optimizer
        self.slots = optimizer.SLOTS
        self.recipe = optimizer
        self._batch: tuple[Any, Any, Any] = (None, None, None)
        self.layer_inputs: list[Tensor] = []
        for linear in self.linears:
            linear.register_forward_pre_hook(
                lambda _, arguments: self.layer_inputs.append(arguments[0])
            )

    def _in_order_of_computation(self) -> list[nn.Linear]:
        """The linear layers as one forward pass meets them, checked against the network."""
        met: list[nn.Linear] = []
        # Before the layer computes, so that one of the wrong shape is met too.
        hooks = [
            part.register_forward_pre_hook(lambda part, _: met.append(part))
            for part in self.module.modules()
            if isinstance(part, nn.Linear)
        ]
        parameter = next(self.module.parameters())
        unfit = ""
        with torch.no_grad():
            try:
                self.module(torch.zeros(1, self.network.fan_in, dtype=parameter.dtype))
            except RuntimeError as error:
                unfit = f"; it cannot be called: {error}"
        for hook in hooks:
            hook.remove()
        found = [
            (part.in_features, part.out_features, 0 if part.bias is None else len(part.bias))
            for part in met
        ]
        wanted = [(layer.fan_in, layer.fan_out, layer.biases) for layer in self.network.layers]
        if found != wanted or unfit:
            raise UsageError(
                f"the module's linear layers are (in, out, biases) {found}, "
                f"the network's {wanted}{unfit}"
            )
        return met

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """The module's own ``loss`` where it has one, else PyTorch's for the network."""
        own = getattr(self.module, "loss", None)
        if own is not None:
            result: Tensor = own(outputs, targets)
            return result
        penalty = self.network.penalty
        total = data_loss(self.network, outputs, targets)
        for linear in self.linears:
            for parameter in linear.parameters() if penalty.biases else (linear.weight,):
                if penalty.l2:
                    total = total + penalty.l2 * parameter.square().sum()
                if penalty.l1:
                    total = total + penalty.l1 * parameter.abs().sum()
        return total

    def load(self, state: Tensors) -> None:
        """Copy parameters and slots in; PyTorch keeps a kernel as (fan_out, fan_in)."""
        if self.slots:
            self.described.torch_counted(self.optimizer, int(state.get(STEP_COUNT, 0)))
        with torch.no_grad():
            for name, parameter in self._parameters():
                parameter.copy_(turned(name, torch.from_numpy(state[name])))
                for slot in self.slots:
                    held = torch.from_numpy(state[f"{slot}/{name}"]).to(parameter.dtype)
                    self.optimizer.state[parameter][self.homes[slot]] = turned(name, held).clone()

    def evaluate(self, parameters: Tensors, batch: Batch, want: list[str]) -> Tensors:
        """Activations, loss, gradients, parameters after one step, accuracy and counts."""
        self.load(parameters)
        self.layer_inputs.clear()
        inputs, targets = self._tensors(batch)
        self.optimizer.zero_grad()
        outputs = self.module(inputs)
        loss = self.loss(outputs, targets)
        loss.backward()
        results: dict[str, Any] = {"loss": loss}
        with torch.no_grad():
            if "activation" in want or "accuracy" in want:
                final = last_activation(self.fused)(outputs)
                for index, value in enumerate([*self.layer_inputs[1:], final], start=1):
                    results[f"activation/dense_{index}"] = value
                if self.network.decision is not None:
                    results["accuracy"] = accuracy(self.network.decision, final, targets)
            for name, parameter in self._parameters():
                if parameter.grad is None:
                    raise UsageError(f"{name} got no gradient: is it frozen?")
                results[f"gradient/{name}"] = turned(name, parameter.grad).clone()
            self.optimizer.step()
            for name, parameter in self._parameters():
                results[f"updated/{name}"] = turned(name, parameter).clone()
                for slot in self.slots:
                    kept = self.optimizer.state[parameter][self.homes[slot]]
                    results[f"updated/{slot}/{name}"] = turned(name, kept).clone()
        results |= self._counts()
        return {
            name: held(value.detach()) if isinstance(value, Tensor) else np.asarray(value)
            for name, value in results.items()
        }

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
                    right = accuracy(self.network.decision, final, targets)
                    results["accuracy"] = torch.tensor(right, dtype=torch.float64)
                for name, parameter in self._parameters():
                    results[f"parameters/{name}"] = turned(name, parameter)
            for name, value in results.items():
                found.setdefault(name, []).append(held(value.detach()).copy())

        start = tuple(parameter.detach().clone() for parameter in own)
        torch_loop.train(step, start, steps, report, tell)
        self.layer_inputs.clear()
        return {name: np.array(values) for name, values in found.items()}

    def _tensors(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """The batch as tensors, made once for all the steps on it."""
        if self._batch[0] is not batch:
            dtype = self.linears[0].weight.dtype
            self._batch = (
                batch,
                torch.tensor(batch.inputs).to(dtype),
                torch.tensor(batch.targets).to(dtype),
            )
        return self._batch[1:]

    def _parameters(self) -> Iterator[tuple[str, nn.Parameter]]:
        for index, linear in enumerate(self.linears, start=1):
            yield f"dense_{index}/kernel", linear.weight
            if linear.bias is not None:
                yield f"dense_{index}/bias", linear.bias

    def _counts(self) -> dict[str, int]:
        counts = {
            f"parameter_count/dense_{index}": sum(part.numel() for part in linear.parameters())
            for index, linear in enumerate(self.linears, start=1)
        }
        return counts | {"parameter_count": sum(p.numel() for p in self.module.parameters())}


def own_optimizer(optimizer: Optimizer, module: nn.Module) -> torch.optim.Optimizer:
    """PyTorch's optimizer of that name, with the same coefficients."""
    remedy = "give a model with configure_optimizers"
    made: torch.optim.Optimizer = twin_of("optimizer", optimizer, "torch", remedy)(
        module.parameters()
    )
    return made


def turned(name: str, value: Tensor) -> Tensor:
    """A kernel between (fan_in, fan_out) and PyTorch's (fan_out, fan_in); a bias as it is."""
    return value.T if name.endswith("kernel") else value


def held(value: Tensor) -> np.ndarray[Any, Any]:
    """As an array; NumPy has no bfloat16, and float32 holds the half precisions."""
    array: np.ndarray[Any, Any] = (
        value.float() if value.dtype in (torch.bfloat16, torch.float16) else value
    ).numpy()
    return array


def data_loss(network: Network, outputs: Tensor, targets: Tensor) -> Tensor:
    """PyTorch's loss for the network's kind, reduced as the network says."""
    kind = network.loss.kind
    if kind not in LOSSES:
        raise UsageError(f"no PyTorch twin for loss {kind!r}: give a model of your own")
    rows = LOSSES[kind](outputs, targets)
    if rows.ndim == 2:
        rows = rows.mean(dim=1) if network.loss.outputs == "mean" else rows.sum(dim=1)
    total = rows.mean() if network.loss.batch == "mean" else rows.sum()
    return network.loss.scale * total


# The output above which a unit says yes.
THRESHOLDS = {"threshold": 0.5, "sign": 0.0}


def accuracy(decision: str, final: Tensor, targets: Tensor) -> float:
    """The share of samples classified as the targets say."""
    if decision == "argmax":
        right = final.argmax(dim=1) == targets.argmax(dim=1)
    else:
        between = THRESHOLDS[decision]
        right = ((final > between) == (targets > between)).all(dim=1)
    return float(right.double().mean())

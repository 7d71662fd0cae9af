"""A whole training run of a PyTorch module, without autograd in the loop.

One step is traced once with `make_fx`, through autograd: what remains is the flat list of
operations that forward pass, backward pass and update come to, without those that only the loss's
value needs. It gives the bits that `zero_grad`, `backward` and `step` give, needs no compiler, and
spares what they cost each time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.fx.experimental.proxy_tensor import make_fx
from torch.fx.graph import CodeGen, Graph

from backproof.mathematics.errors import UsageError
from backproof.mathematics.optimizers import Optimizer, having

State = tuple[Tensor, ...]

aten = torch.ops.aten


class Objective(nn.Module):  # type: ignore[misc]
    """A module with its loss, so that `functional_call` reaches the weights in its penalty too."""

    def __init__(self, module: nn.Module, loss: Callable[[Tensor, Tensor], Tensor]) -> None:
        super().__init__()
        self.module = module
        self.loss = loss

    def forward(self, inputs: Tensor, targets: Tensor) -> Tensor:
        return self.loss(self.module(inputs), targets)


def traced(
    module: nn.Module,
    loss: Callable[[Tensor, Tensor], Tensor],
    optimizer: Optimizer,
    inputs: Tensor,
    targets: Tensor,
) -> Callable[[State], State]:
    """The function that makes one step, on the parameters in the module's own order."""
    if not hasattr(optimizer, "torch_step"):
        known = ", ".join(having("torch_step"))
        raise UsageError(f"train knows {known}, not {optimizer.name!r}")
    objective = Objective(module, loss)
    names = [name for name, _ in objective.named_parameters()]
    initial = tuple(parameter.detach().clone() for parameter in objective.parameters())
    one = torch.ones((), dtype=initial[0].dtype)
    change: Callable[[Tensor, Tensor], Tensor] = optimizer.torch_step

    def step(one: Tensor, inputs: Tensor, targets: Tensor, *state: Tensor) -> State:
        state = tuple(w.detach().requires_grad_() for w in state)
        value = functional_call(objective, dict(zip(names, state)), (inputs, targets))
        # Given the cotangent, nothing needs the loss itself: it becomes dead code.
        gradients = torch.autograd.grad(value, state, one)
        with torch.no_grad():
            return tuple(change(w, g) for w, g in zip(state, gradients))

    made = make_fx(step)(one, inputs, targets, *initial)
    simplify(made.graph)
    made.recompile()
    forward = made.forward  # past nn.Module.__call__, which costs as much as a step
    return lambda state: forward(one, inputs, targets, *state)


def simplify(graph: Graph) -> None:
    """Take out what computes nothing: detaching, transposing twice, results that nobody uses."""
    for node in list(graph.nodes):
        if node.target is aten.detach.default:
            node.replace_all_uses_with(node.args[0])
        elif node.target is aten.t.default and node.args[0].target is aten.t.default:
            node.replace_all_uses_with(node.args[0].args[0])
    graph.eliminate_dead_code()
    graph.set_codegen(CodeGen())  # arguments one by one, not as a tree


def train(
    step: Callable[[State], State],
    state: State,
    steps: int,
    report: Sequence[int],
    tell: Callable[[State], object],
) -> State:
    """Make the steps; call ``tell`` with the state before each step of the report, or at the end.

    The report's steps ascend.
    """
    made = 0
    for index, wanted in enumerate((*report, steps)):
        with torch.inference_mode():
            for _ in range(wanted - made):
                state = step(state)
        made = wanted
        if index < len(report):
            tell(state)
    return state

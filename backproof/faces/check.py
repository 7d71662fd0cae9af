"""One layer at a time: `check` asks code for an output and the gradients of ⟨upstream, output⟩."""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from backproof.comparison.pairing.pairing import Pairing
from backproof.comparison.record import DEFINITION, FALSE_ALARM
from backproof.faces.python import (
    batch_of,
    caller_folder,
    check_limits,
    name_of,
    named_files,
    report_of,
)
from backproof.implementations.host.watched import TIME_LIMIT
from backproof.implementations.subject.arrays import Arrays, kind_of
from backproof.implementations.subject.objects import (
    Held,
    Module,
    homes_of,
    maker,
    module_homes,
    trial,
)
from backproof.implementations.subject.passes import Passes, passes
from backproof.mathematics.checking import check_arguments
from backproof.mathematics.errors import EvaluationError, UsageError
from backproof.mathematics.layers.blocks import Block
from backproof.mathematics.layers.layer import Layer
from backproof.mathematics.network.loss import Loss
from backproof.mathematics.network.network import Network
from backproof.mathematics.network.node import Node
from backproof.mathematics.network.parameters import Batch
from backproof.mathematics.network.quantities import INPUT_GRADIENT
from backproof.mathematics.optimizers.gradient_descent import GradientDescent
from backproof.mathematics.probes.drawn import drawn_parameters
from backproof.reports.report import Report

Checked = Layer | Network | Node | Block | Sequence[Layer | Block | Node]
QUANTITIES = ("activation", "gradient", INPUT_GRADIENT)


def of_layer(layer: Checked, inputs: tuple[int, ...] | None = None) -> Network:
    """The network that a check is of: its loss is ⟨upstream, output⟩, the upstream being given."""
    loss = Loss("inner_product", batch="sum")
    if isinstance(layer, Network):
        if layer.penalties:
            raise UsageError(
                "check(network): a penalty is no part of a backward pass; leave it out, or verify "
                "the network with its loss"
            )
        return Network(layer.nodes, loss, inputs=inputs or layer.inputs, input_gradient=True)
    parts = (layer,) if isinstance(layer, Layer | Node | Block) else tuple(layer)
    return Network(parts, loss, inputs=inputs, input_gradient=True)


def subject_of(
    network: Network,
    code: Any,
    forward: Callable[..., Any] | None,
    backward: Callable[..., Any] | None,
    arrays: Arrays,
    arguments: Sequence[str] | None,
    axes: Mapping[str, tuple[int, ...]] | None,
) -> Passes:
    """The subject that a layer's code is, in whichever shape it is written."""
    if (code is None) == (forward is None) or (backward is not None and forward is None):
        raise UsageError(
            "check: give the code as forward=… and backward=…, or as one class, object or function"
        )
    if forward is not None:
        return passes(network, forward, backward, arrays, arguments=arguments, axes=axes)
    if is_function_of_torch(code):
        first = [] if has_context_apart(code) else ["ctx", *first_argument(code.forward)]
        return passes(
            network,
            code.apply,
            None,
            arrays,
            arguments=arguments,
            axes=axes,
            named=code,
            signature=code.forward,
            without=first,
        )
    both = all(callable(getattr(code, name, None)) for name in ("forward", "backward"))
    module = hasattr(code, "named_parameters")
    if both and not module and not isinstance(code, type) and takes_parameters(network, code):
        return passes(
            network, code.forward, code.backward, arrays, arguments=arguments, axes=axes, named=code
        )
    if both or module or is_factory(code):
        return held(network, code, arrays, axes)
    return passes(network, code, None, arrays, arguments=arguments, axes=axes)


def held(
    network: Network, code: Any, arrays: Arrays, axes: Mapping[str, tuple[int, ...]] | None
) -> Passes:
    """The subject that an object is, with its parameters as attributes."""
    make = maker(code)
    is_module = hasattr(code, "named_parameters")
    kind = Module if is_module else Held
    made = make() if is_module else trial(make)
    order = ("inputs", *network.parameters)
    found = kind(network, None, None, arrays, order, dict(axes or {}), code, make)  # type: ignore[arg-type]
    try:
        (module_homes if is_module else homes_of)(made, found.tensors)
    except EvaluationError as error:
        raise UsageError(f"check: {error}") from error
    return found


def is_function_of_torch(code: Any) -> bool:
    """Whether it is a `torch.autograd.Function`."""
    return isinstance(code, type) and any(
        (each.__module__, each.__name__) == ("torch.autograd.function", "Function")
        for each in code.__mro__
    )


def has_context_apart(code: Any) -> bool:
    """Whether its forward takes no ctx, for setup_context does."""
    return any(
        "setup_context" in vars(each)
        for each in code.__mro__
        if each.__name__ != "Function" and not each.__name__.startswith("_")
    )


def first_argument(function: Callable[..., Any]) -> list[str]:
    """The name of its first argument."""
    code = getattr(function, "__code__", None)
    return [] if code is None else [code.co_varnames[0]]


def is_factory(code: Any) -> bool:
    """Whether it is called without arguments, and makes what has a forward and a backward pass."""
    from backproof.implementations.subject.binding import arguments_of

    return isinstance(code, type) or (
        hasattr(code, "__code__") and not arguments_of(code) and not code.__code__.co_flags & 4
    )


def takes_parameters(network: Network, code: Any) -> bool:
    """Whether the forward method of an object takes the parameters as arguments."""
    from backproof.implementations.subject.binding import arguments_of

    return not network.parameters or len(arguments_of(code.forward)) > 1


class Check:
    """``check(layer, forward=…, backward=…)``: whether code computes one layer as it should."""

    def __call__(
        self,
        layer: Checked,
        code: Any = None,
        *,
        forward: Callable[..., Any] | None = None,
        backward: Callable[..., Any] | None = None,
        inputs: tuple[int, ...] | None = None,
        arrays: Literal["numpy", "torch", "jax"] | None = None,
        device: Any = None,
        arguments: Sequence[str] | None = None,
        axes: Mapping[str, tuple[int, ...]] | None = None,
        parameters: Mapping[str, Any] | None = None,
        batch: Batch | tuple[Any, Any] | None = None,
        references: Iterable[str] | Mapping[str, str | None] = (DEFINITION,),
        dtype: Literal["float64", "float32"] = "float64",
        certified: bool = True,
        false_alarm: float = FALSE_ALARM,
        proven: bool = False,
        time_limit: float = TIME_LIMIT,
        name: str = "",
        root: str | Path | None = None,
    ) -> Report:
        """Compare a layer's output and gradients, and return the report.

        ``layer``: a layer, several, or a network, whose loss and accuracy are left out. The code is
        given as ``forward`` and ``backward``: ``out, cache = forward(x, w, b)`` and ``dx, dw, db =
        backward(dout, cache)``; or as ``code``: a class, a factory or an object with methods
        ``forward`` and ``backward`` and its parameters as attributes, a module or
        ``autograd.Function`` of PyTorch, or a function that its framework differentiates.

        Arguments are matched by names of parameters (``w``, ``bias``, ``gamma``), else by order;
        ``arguments`` says it: ``("inputs", "kernel", "bias")``. ``axes``: by name of a tensor, the
        order that the code has its axes in, theirs = ours.transpose(axes): ``{"kernel": (1, 0)}``;
        beside parameters there are ``inputs`` and ``outputs``. ``inputs``: the shape of one sample,
        where the layer does not tell it. ``arrays``: which arrays it takes, if its type does not
        tell; ``device``: where they are put.

        It is asked at ``batch`` (inputs and the upstream gradient; drawn, if not given) and at the
        probes. ``references``: the definition itself, or frameworks as in `verify`, whose other
        arguments these are. Raises `UsageError` where the question itself is wrong; whatever the
        code does is in the report.
        """
        check_arguments(Check.__call__, {k: v for k, v in locals().items() if k != "self"})
        check_limits("check", time_limit, false_alarm)
        network = of_layer(layer, inputs)
        kind = arrays or kind_of(code if forward is None else forward)
        subject = subject_of(
            network, code, forward, backward, Arrays(kind, device), arguments, axes
        )
        models = dict(references) if isinstance(references, Mapping) else dict.fromkeys(references)
        if not models:
            raise UsageError("references is empty: leave it out, or name one")
        stream = np.random.default_rng(zlib.crc32(b"check"))
        pairing = Pairing(
            name=name or name_of(subject),
            network=network,
            subject=subject,
            data=lambda: batch_of(batch, network, stream),
            initial=lambda: (
                drawn_parameters(network, stream)
                if parameters is None
                else full_names(network, parameters)
            ),
            optimizer=GradientDescent(1.0),
            references=models,
            steps=1,
            quantities=QUANTITIES,
            partial=True,
        )
        folder = Path.cwd()
        if root is not None or named_files({"references": models}):
            folder = Path(root) if root is not None else caller_folder(sys._getframe(1))
        return report_of(
            pairing,
            dtype,
            folder,
            time_limit=time_limit,
            certified=certified,
            chance=0.0 if proven else false_alarm,
        )


def full_names(network: Network, given: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters under the network's names; those of a single layer may have their own."""
    owns: dict[str, list[str]] = {}
    for full in network.parameters:
        owns.setdefault(full.partition("/")[2], []).append(full)
    return {
        owns[name][0] if len(owns.get(name, ())) == 1 else name: value
        for name, value in given.items()
    }


check = Check()
"""Whether code computes one layer as it should: see `Check.__call__`."""

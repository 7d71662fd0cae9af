"""One layer at a time: `check` asks code for an output and the gradients of ⟨upstream, output⟩."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from backproof.comparison.pairing.pairing import Pairing
from backproof.comparison.record import DEFINITION, FALSE_ALARM
from backproof.faces.kept import report_of
from backproof.faces.layer_code import subject_of
from backproof.faces.python import (
    batch_of,
    caller_folder,
    check_limits,
    models_of,
    name_of,
    named_files,
    seed_of,
    stream_for,
)
from backproof.faces.recordings import judge_recorded
from backproof.implementations.host.watched import TIME_LIMIT
from backproof.implementations.subject.arrays import Arrays, as_numpy, kind_of
from backproof.implementations.subject.recorded_files import read
from backproof.mathematics.arithmetic.rounding.model import HALF
from backproof.mathematics.arithmetic.rounding.precision import Precision, dtype_of
from backproof.mathematics.checking import check_arguments
from backproof.mathematics.errors import UsageError
from backproof.mathematics.layers.blocks import Block
from backproof.mathematics.layers.layer import Layer
from backproof.mathematics.network.loss import Loss
from backproof.mathematics.network.network import Network
from backproof.mathematics.network.node import INPUTS, Node
from backproof.mathematics.network.parameters import Batch
from backproof.mathematics.network.quantities import INPUT_GRADIENT
from backproof.mathematics.optimizers import Optimizer
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
        parts: Sequence[Any] = layer.nodes
        inputs = inputs or layer.inputs
    else:
        parts = (layer,) if isinstance(layer, Layer | Node | Block) else tuple(layer)
    found = Network(tuple(parts), loss, inputs=inputs)
    # By indices there is no derivative.
    return found if found.indices is not None else replace(found, input_gradient=True)


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
        dtype: Literal["float64", "float32"] | None = None,
        precision: Precision | None = None,
        certified: bool = True,
        false_alarm: float = FALSE_ALARM,
        proven: bool = False,
        seed: int | Literal["random"] | None = None,
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
        where the layer does not tell it. ``dtype``: float64, if not given; ``precision``: what the
        code stores and accumulates in, whose bounds it is held to (a `Precision`). ``arrays``:
        which arrays it takes, if its type does not tell; ``device``: where they are put.

        It is asked at ``batch`` (inputs and the upstream gradient; drawn, if not given) and at the
        probes. ``references``: the definition itself, or frameworks as in `verify`, whose other
        arguments these are. Raises `UsageError` where the question itself is wrong; whatever the
        code does is in the report.
        """
        check_arguments(Check.__call__, {k: v for k, v in locals().items() if k != "self"})
        check_limits("check", time_limit, false_alarm)
        network = of_layer(layer, inputs)
        kind = arrays or kind_of(code if forward is None else forward)
        computed_in = dtype_of(dtype, precision)
        half = computed_in if computed_in in HALF else ""
        subject = subject_of(
            network, code, forward, backward, Arrays(kind, device, half), arguments, axes
        )
        models = models_of(references)
        chosen = seed_of(seed)
        stream = stream_for("check", chosen)
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
            precision=precision,
        )
        folder = Path.cwd()
        if root is not None or named_files({"references": models}):
            folder = Path(root) if root is not None else caller_folder(sys._getframe(1))
        return report_of(
            pairing,
            computed_in,
            folder,
            time_limit=time_limit,
            certified=certified,
            chance=0.0 if proven else false_alarm,
            seed=chosen,
        )

    def recorded(
        self,
        layer: Checked,
        file: str | Path | None = None,
        *,
        inputs: Any = None,
        parameters: Mapping[str, Any] | None = None,
        upstream: Any = None,
        outputs: Any = None,
        gradients: Mapping[str, Any] | None = None,
        updated: Mapping[str, Any] | None = None,
        mask: Any = None,
        axes: Mapping[str, tuple[int, ...]] | None = None,
        optimizer: Optimizer | None = None,
        references: Iterable[str] | Mapping[str, str | None] = (DEFINITION,),
        dtype: Literal["float64", "float32"] | None = None,
        precision: Precision | None = None,
        certified: bool = True,
        false_alarm: float = FALSE_ALARM,
        proven: bool = False,
        time_limit: float = TIME_LIMIT,
        name: str = "",
    ) -> Report:
        """Judge a layer's numbers that were computed elsewhere, at the one point that is known.

        ``inputs``; ``parameters`` by the layer's own names; ``upstream``, the gradient that
        arrives; and any of ``outputs``, ``gradients`` by name (``"inputs"`` is that by the inputs)
        and ``updated``, what a step of ``optimizer`` made of the parameters; and the ``mask`` of a
        layer that takes one. Or ``file``: a
        ``.npz``, a ``.safetensors``, or a folder of them, with these names. Arrays of NumPy,
        PyTorch, JAX, or whatever has ``__array__`` or DLPack; of any device. ``dtype``: the
        precision that they were computed in, where theirs does not tell; ``precision`` and the
        others are as in `check`. Raises `UsageError` for what is missing, unknown, or of another
        shape.
        """
        check_limits("check.recorded", time_limit, false_alarm)
        given: Mapping[str, Any] | str | Path
        shape: tuple[int, ...] | None = None
        several = (inputs, parameters, upstream, outputs, gradients, updated, mask)
        if file is not None:
            if any(each is not None for each in several):
                raise UsageError("check.recorded: give a file, or arrays, and not both")
            given = arrays = read(Path(file))
            name = name or Path(file).stem
            if axes:
                raise UsageError("check.recorded: axes are for arrays; turn them before you save")
            first = arrays.get(INPUTS)
        else:
            first = inputs
        if first is None:
            raise UsageError(
                "check.recorded: there are no inputs, and so nothing is known that the numbers "
                "follow from: give inputs and parameters"
            )
        order = (axes or {}).get(INPUTS)
        array = as_numpy(first)
        shape = (array if order is None else array.transpose(np.argsort(order))).shape[1:]
        network = of_layer(layer, shape)
        if file is None:
            given = named_arrays(
                network,
                axes,
                inputs=inputs,
                parameters=parameters,
                upstream=upstream,
                outputs=outputs,
                gradients=gradients,
                updated=updated,
                mask=mask,
            )
        return judge_recorded(
            network,
            given,
            references=models_of(references),
            optimizer=optimizer,
            dtype=dtype,
            precision=precision,
            forms=None,
            certified=certified,
            chance=0.0 if proven else false_alarm,
            time_limit=time_limit,
            name=name,
            root=Path.cwd(),
            of=(*QUANTITIES, "updated"),
        )


def named_arrays(
    network: Network, axes: Mapping[str, tuple[int, ...]] | None, **groups: Any
) -> dict[str, Any]:
    """What was given to `Check.recorded` as arrays by name, in our order of axes."""

    def ours(own: str, value: Any) -> Any:
        order = (axes or {}).get(own) or (axes or {}).get(own.rpartition("/")[2])
        if order is None or value is None:
            return value
        return as_numpy(value).transpose(np.argsort(order))

    found: dict[str, Any] = {}
    for group in ("parameters", "gradients", "updated"):
        for own, value in (groups.pop(group) or {}).items():
            if group == "gradients" and own in (INPUTS, INPUT_GRADIENT, "x"):
                found[INPUT_GRADIENT] = ours(INPUTS, value)
            else:
                found[f"{group}/{own}"] = ours(own, value)
    outputs = ours("outputs", groups.pop("outputs"))
    if isinstance(outputs, Mapping):  # those of several nodes
        found |= {f"activation/{name}": value for name, value in outputs.items()}
    else:
        found["outputs"] = outputs
    found["mask"] = ours(INPUTS, groups.pop("mask"))
    found["upstream"] = ours("outputs", groups.pop("upstream"))
    found[INPUTS] = ours(INPUTS, groups.pop(INPUTS))
    return {name: value for name, value in found.items() if value is not None}


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

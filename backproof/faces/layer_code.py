"""The code of a layer, in whichever shape it is written, as a subject."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from backproof.implementations.subject.arrays import Arrays
from backproof.implementations.subject.binding import arguments_of
from backproof.implementations.subject.objects import (
    Held,
    Module,
    homes_of,
    maker,
    module_homes,
    trial,
)
from backproof.implementations.subject.passes import Passes, passes
from backproof.mathematics.errors import EvaluationError, UsageError
from backproof.mathematics.network.network import Network
from backproof.mathematics.network.node import INPUTS


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
    order = (INPUTS, *network.parameters)
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
    return isinstance(code, type) or (
        hasattr(code, "__code__") and not arguments_of(code) and not code.__code__.co_flags & 4
    )


def takes_parameters(network: Network, code: Any) -> bool:
    """Whether the forward method of an object takes the parameters as arguments."""
    return not network.parameters or len(arguments_of(code.forward)) > 1

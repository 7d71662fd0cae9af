"""Arrays as people have them: of NumPy, PyTorch, JAX, or of whatever else says what it holds."""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backproof.mathematics.errors import UsageError

KINDS = ("numpy", "torch", "jax")
# As Python says it of arrays that NumPy has no type for.
BFLOAT16 = "bfloat16"


def as_numpy(value: Any) -> NDArray[Any]:
    """The array that something is, whoever made it; bfloat16 as float32, which holds it exactly.

    Tensors on a device are fetched, and let go of their graph. Nothing is unpickled: whoever tells
    no array by ``__array__`` or DLPack, is an array of objects, which nobody compares.
    """
    if isinstance(value, np.ndarray):
        return widened(value)
    for leave in ("detach", "cpu"):
        if callable(leaving := getattr(value, leave, None)):
            value = leaving()
    if str(getattr(value, "dtype", "")).endswith(BFLOAT16) and callable(
        widen := getattr(value, "float", None)
    ):
        value = widen()  # NumPy cannot take PyTorch's; every bfloat16 is a float32
    if not hasattr(value, "__array__") and hasattr(value, "__dlpack__"):
        return widened(np.from_dlpack(value))
    return widened(np.asarray(value))


def widened(array: NDArray[Any]) -> NDArray[Any]:
    """bfloat16 and other types that NumPy has not itself (ml_dtypes), as float32."""
    return array.astype(np.float32) if array.dtype.name == BFLOAT16 else array


def kind_of(code: object) -> str:
    """Which arrays code takes, where its type tells it; else those of NumPy."""
    told = {each.__module__.partition(".")[0] for each in type(code).__mro__}
    if isinstance(code, type):
        told |= {each.__module__.partition(".")[0] for each in code.__mro__}
    return "torch" if "torch" in told else "jax" if told & {"jax", "jaxlib"} else "numpy"


@dataclass(frozen=True)
class Arrays:
    """The arrays of a framework, on a device of it; ``kind``: numpy, torch or jax.

    ``half``: the half precision that they are in; NumPy's are float32 that hold it, in bfloat16.
    """

    kind: str = "numpy"
    device: Any = None
    half: str = ""

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise UsageError(f"arrays={self.kind!r}: choose one of {', '.join(KINDS)}")
        if self.device is not None and self.kind == "numpy":
            raise UsageError(
                f"device={self.device!r}: NumPy has none; name arrays='torch' or 'jax'"
            )

    @property
    def module(self) -> Any:
        """The framework, which the code under test imports as well."""
        try:
            return importlib.import_module(self.kind)
        except ImportError as error:
            raise UsageError(f"arrays={self.kind!r}: it cannot be imported ({error})") from error

    @contextmanager
    def wide(self) -> Iterator[None]:
        """JAX computes in float64 only where it is told to."""
        with contextlib.ExitStack() as stack:
            if self.kind == "jax":
                stack.enter_context(
                    importlib.import_module("jax.experimental").enable_x64()
                    if not hasattr(self.module, "enable_x64")
                    else self.module.enable_x64(True)
                )
            yield

    def of(self, array: NDArray[Any]) -> Any:
        """The same numbers as an array of that framework, which is nobody else's."""
        half = self.half if array.dtype.kind == "f" else ""
        if half and self.kind == "torch":
            whole = self.module.tensor(np.ascontiguousarray(array), device=self.device)
            return whole.to(getattr(self.module, half))
        if half and self.kind == "jax":
            whole = self.module.numpy.asarray(array, dtype=half)
            return whole if self.device is None else self.module.device_put(whole, self.device)
        if half == "float16":
            return array.astype(half)
        if self.kind == "torch":
            return self.module.tensor(np.ascontiguousarray(array), device=self.device)
        if self.kind == "jax":
            made = self.module.numpy.asarray(array)
            return made if self.device is None else self.module.device_put(made, self.device)
        return array.copy()

    def pulled_back(
        self, function: Callable[..., Any], given: list[Any], upstream: NDArray[Any]
    ) -> tuple[Any, tuple[Any, ...]]:
        """The output of a function, and the gradients of ⟨upstream, output⟩ by all it takes."""
        if self.kind == "torch":
            for each in given:
                each.requires_grad_(each.is_floating_point())
            output = function(*given)
            wanted = [each for each in given if each.requires_grad]
            found = iter(
                self.module.autograd.grad(
                    output, wanted, self.of(upstream).to(output.device), allow_unused=True
                )
            )
            return output, tuple(next(found) if each.requires_grad else None for each in given)
        if self.kind == "jax":
            output, back = self.module.vjp(function, *given)
            return output, tuple(back(self.of(upstream)))
        self.check_differentiates()
        raise AssertionError(self.kind)

    def check_differentiates(self) -> None:
        """Raise `UsageError` where nothing differentiates a forward pass."""
        if self.kind == "numpy":
            raise UsageError(
                "there is no backward: NumPy differentiates nothing; give backward=, or say "
                "which framework does, as in arrays='torch'"
            )

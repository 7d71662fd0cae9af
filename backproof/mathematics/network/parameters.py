"""Parameters and batches: arrays that go to every implementation alike; their safe files."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from backproof.mathematics.arithmetic.rounding.model import round_to
from backproof.mathematics.errors import UsageError
from backproof.mathematics.network.network import Network

Array = NDArray[np.floating]
Parameters = dict[str, Array]


@dataclass(frozen=True, eq=False)
class Batch:
    """Inputs (samples, …) and targets (samples, …, outputs), read-only from here on.

    ``weights`` (samples,), where there are any, multiply the loss of each sample. Whole numbers
    stay so in the inputs until `astype`, for layers that take indices.
    """

    inputs: Array
    targets: Array
    weights: Array | None = None

    def __post_init__(self) -> None:
        for name, wanted in (
            ("inputs", "(samples, features)"),
            ("targets", "(samples, outputs)"),
            ("weights", "(samples,)"),
        ):
            if name == "weights" and self.weights is None:
                continue
            array = np.array(getattr(self, name), copy=True)
            if array.dtype.kind not in "fiub":
                raise UsageError(f"batch {name} hold {array.dtype} values; give numbers")
            if array.dtype.kind != "f" and not (name == "inputs" and array.dtype.kind in "iu"):
                array = array.astype(np.float64)
            if array.ndim != 1 if name == "weights" else array.ndim < 2:
                raise UsageError(f"batch {name} have shape {array.shape}; give {wanted}")
            if not np.isfinite(array).all():
                raise UsageError(f"batch {name} hold NaN or infinity; remove those samples")
            array.flags.writeable = False
            object.__setattr__(self, name, array)
        if len(self.inputs) != len(self.targets) or not len(self.inputs):
            raise UsageError(
                f"the batch has {len(self.inputs)} inputs and {len(self.targets)} targets; "
                "give the same number, at least one"
            )
        if self.weights is not None and len(self.weights) != len(self.inputs):
            raise UsageError(
                f"the batch has {len(self.inputs)} inputs and {len(self.weights)} weights; "
                "give one for each sample"
            )

    def astype(self, dtype: str) -> Batch:
        """The same batch, rounded to ``dtype`` (itself if it has that already)."""
        arrays = (self.inputs, self.targets, self.weights)
        if all(array is None or array.dtype.name == dtype for array in arrays):
            return self
        weights = None if self.weights is None else round_to(self.weights, dtype)
        return Batch(round_to(self.inputs, dtype), round_to(self.targets, dtype), weights)

    def arrays(self) -> dict[str, Array]:
        """Its arrays by name: inputs, targets, and weights where there are any."""
        found = {"inputs": self.inputs, "targets": self.targets}
        return found if self.weights is None else {**found, "weights": self.weights}


def check(parameters: Mapping[str, object], network: Network, *, source: str) -> Parameters:
    """``parameters`` as arrays in the network's order; raises if names, shapes, values are off."""
    shapes = network.shapes()
    missing, extra = shapes.keys() - parameters.keys(), parameters.keys() - shapes.keys()
    if missing or extra:
        raise UsageError(
            f"{source}: parameters missing: {sorted(missing) or 'none'}; "
            f"not of this network: {sorted(extra) or 'none'}"
        )
    checked: Parameters = {}
    for name, shape in shapes.items():
        array = np.asarray(parameters[name])
        if array.dtype.kind != "f":
            raise UsageError(f"{source}: {name} has dtype {array.dtype}; give floating point")
        if array.shape != shape:
            raise UsageError(f"{source}: {name} has shape {array.shape}, but should be {shape}")
        if not np.isfinite(array).all():
            raise UsageError(f"{source}: {name} holds NaN or infinity")
        checked[name] = array
    return checked


def load(path: Path, network: Network) -> Parameters:
    """Parameters from an ``.npz`` (never with pickle) or a ``.safetensors`` file."""
    try:
        if path.suffix == ".npz":
            with np.load(path, allow_pickle=False) as file:
                tensors: dict[str, Array] = {name: file[name] for name in file.files}
        elif path.suffix == ".safetensors":
            from safetensors.numpy import load_file

            tensors = load_file(path)
        else:
            raise UsageError(f"{path}: save the weights as .npz or .safetensors")
    except UsageError:
        raise
    except Exception as error:  # whatever a damaged file makes its reader raise
        hint = (
            "it holds Python objects; save plain arrays instead of pickles"
            if "pickle" in str(error).lower()
            else "the file is damaged or cut short; write it again"
        )
        raise UsageError(f"{path}: cannot be read as weights ({error}): {hint}") from error
    return check(tensors, network, source=str(path))


def save(path: Path, parameters: Parameters) -> None:
    """Write parameters to an ``.npz`` or a ``.safetensors`` file, by the path's suffix."""
    if path.suffix == ".npz":
        np.savez(path, allow_pickle=False, **parameters)
    elif path.suffix == ".safetensors":
        from safetensors.numpy import save_file

        save_file({name: np.ascontiguousarray(array) for name, array in parameters.items()}, path)
    else:
        raise UsageError(f"{path}: save the weights as .npz or .safetensors")


def digest(arrays: Mapping[str, Array]) -> str:
    """SHA-256 over names, dtypes, shapes and bytes: the fingerprint that a report carries."""
    state = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        state.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        state.update(array.tobytes())
    return state.hexdigest()

"""Parameters and batches: arrays that go to every implementation alike; their safe files."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backproof.mathematics.arithmetic.rounding.model import round_to
from backproof.mathematics.checking import came, masked, odd_element, quoted
from backproof.mathematics.errors import UsageError
from backproof.mathematics.network.network import Network

Array = NDArray[np.floating]
Parameters = dict[str, Array]
MASK = "mask/"
"""Before the name of a node, what its mask is called among arrays."""


@dataclass(frozen=True, eq=False)
class Batch:
    """Inputs (samples, …) and targets (samples, …, outputs), read-only from here on.

    ``weights`` (samples,), where there are any, multiply the loss of each sample. ``masks``: by the
    name of a node, such as ``dropout_1``, which of its inputs it keeps, 1, or drops, 0. Whole
    numbers stay so in the inputs until `astype`, for layers that take indices.
    """

    inputs: Array
    targets: Array
    weights: Array | None = None
    masks: Mapping[str, Array] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, wanted in (
            ("inputs", "(samples, features)"),
            ("targets", "(samples, outputs)"),
            ("weights", "(samples,)"),
        ):
            if name == "weights" and self.weights is None:
                continue
            array = np.array(as_numbers(getattr(self, name), f"batch {name}"), copy=True)
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

        self._check_masks()

    def _check_masks(self) -> None:
        if not isinstance(self.masks, Mapping):
            raise UsageError(
                f"Batch(masks=…) is {came(self.masks)}; give a dict of masks by the names of nodes"
            )
        found = {}
        for node, given in self.masks.items():
            mask = np.array(as_numbers(given, f"the mask of {node}"), copy=True)
            mask = mask if mask.dtype.kind == "f" else mask.astype(np.float64)
            if mask.ndim < 2 or len(mask) != len(self.inputs):
                raise UsageError(
                    f"the mask of {node} has shape {mask.shape}; give (samples, …), one number for "
                    f"each that comes into the node, of {len(self.inputs)} samples"
                )
            odd = mask[(mask != 0) & (mask != 1)]
            if odd.size:
                raise UsageError(
                    f"the mask of {node} holds {odd[0]:g}; give 1 for what is kept and 0 for what "
                    "is dropped: it is scaled as the layer says"
                )
            mask.flags.writeable = False
            found[str(node)] = mask
        object.__setattr__(self, "masks", MappingProxyType(found))

    @classmethod
    def of(cls, arrays: Mapping[str, Array]) -> Batch:
        """The batch of these `arrays`."""
        masks = {n.removeprefix(MASK): a for n, a in arrays.items() if n.startswith(MASK)}
        return cls(**{n: a for n, a in arrays.items() if not n.startswith(MASK)}, masks=masks)

    def astype(self, dtype: str) -> Batch:
        """The same batch, rounded to ``dtype`` (itself if it has that already)."""
        arrays = (self.inputs, self.targets, self.weights, *self.masks.values())
        if all(array is None or array.dtype.name == dtype for array in arrays):
            return self
        weights = None if self.weights is None else round_to(self.weights, dtype)
        masks = {node: round_to(mask, dtype) for node, mask in self.masks.items()}
        return Batch(round_to(self.inputs, dtype), round_to(self.targets, dtype), weights, masks)

    def arrays(self) -> dict[str, Array]:
        """Its arrays by name: inputs, targets, weights where there are any, ``mask/dropout_1``."""
        found = {"inputs": self.inputs, "targets": self.targets}
        found |= {f"{MASK}{node}": mask for node, mask in self.masks.items()}
        return found if self.weights is None else {**found, "weights": self.weights}


def as_numbers(given: object, what: str) -> NDArray[Any]:
    """What was given as an array of numbers; raises `UsageError` for anything else."""
    if missing := masked(given):
        raise UsageError(f"{what}: {missing}; give every element")
    try:
        array = np.asarray(given)
    except (ValueError, TypeError) as error:  # rows of several lengths
        raise UsageError(f"{what}: no array of numbers can be made of it ({error})") from error
    if array.dtype.kind == "O":
        raise UsageError(f"{what}: {odd_element(array)} is among its values; give numbers")
    if array.dtype.kind not in "fiub":
        raise UsageError(f"{what}: it holds {array.dtype} values; give numbers")
    return array


def check(parameters: Mapping[str, object], network: Network, *, source: str) -> Parameters:
    """``parameters`` as arrays in the network's order; raises if names, shapes, values are off."""
    if not isinstance(parameters, Mapping):
        raise UsageError(
            f"{source}: the parameters are {came(parameters)}; give a dict of arrays by name"
        )
    check_names(parameters, network, source)
    shapes = network.shapes()
    checked: Parameters = {}
    for name, shape in shapes.items():
        array = as_numbers(parameters[name], f"{source}: {name}")
        if array.dtype.kind != "f":
            raise UsageError(f"{source}: {name} has dtype {array.dtype}; give floating point")
        if array.shape != shape:
            raise UsageError(f"{source}: {name} has shape {array.shape}, but should be {shape}")
        if not np.isfinite(array).all():
            raise UsageError(f"{source}: {name} holds NaN or infinity")
        checked[name] = array
    return checked


def check_names(given: Mapping[str, object], network: Network, source: str) -> None:
    """Refuse parameters that are missing, and what the network has none of."""
    shapes = network.shapes()
    missing, extra = shapes.keys() - given.keys(), given.keys() - shapes.keys()
    if missing or extra:
        raise UsageError(
            f"{source}: parameters missing: {sorted(missing) or 'none'}; "
            f"not of this network: {', '.join(sorted(map(quoted, extra))) or 'none'}"
        )


def load(path: Path, network: Network) -> Parameters:
    """Parameters from an ``.npz`` (never with pickle) or a ``.safetensors`` file."""
    try:
        if path.suffix == ".npz":
            check_shapes(npz_shapes(path), network, str(path))
            with np.load(path, allow_pickle=False) as file:
                tensors: dict[str, Array] = {name: file[name] for name in file.files}
        elif path.suffix == ".safetensors":
            from safetensors.numpy import load_file

            tensors = load_file(path)  # which holds as many bytes as the file
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


def npz_shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """What the arrays of an ``.npz`` say of their shapes: a small file may unpack to terabytes."""
    shapes: dict[str, tuple[int, ...]] = {}
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            with archive.open(name) as member:
                read = np.lib.format.read_array_header_1_0
                if np.lib.format.read_magic(member) != (1, 0):
                    read = np.lib.format.read_array_header_2_0
                shape, _, dtype = read(member)
                if dtype.hasobject:
                    raise ValueError("a pickle, which is never loaded")
                shapes[name.removesuffix(".npy")] = shape
    return shapes


def check_shapes(given: Mapping[str, tuple[int, ...]], network: Network, source: str) -> None:
    """Refuse what is larger than a parameter of the network, or none of them, before it is read."""
    wanted = network.shapes()
    check_names(given, network, source)
    for name, shape in given.items():
        if shape != wanted[name]:
            raise UsageError(f"{source}: {name} has shape {shape}, but should be {wanted[name]}")


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

"""The protocol of workers and of programs in other languages: JSON lines and safetensors.

A message is one line of JSON, an object, followed by ``message["tensors"]`` bytes of safetensors
(0 or absent: none). docs/protocol.md documents the requests and their replies.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from backproof.implementations.host import mapped

Tensors = dict[str, NDArray[Any]]
Buffer = bytes | memoryview
# NumPy's names of the types that safetensors has, and its own: F64, I32, U8.
TYPES = {
    f"{kind}{bits}": f"{kind[0].upper()}{bits}"
    for kind, sizes in (
        ("float", (16, 32, 64)),
        ("int", (8, 16, 32, 64)),
        ("uint", (8, 16, 32, 64)),
    )
    for bits in sizes
} | {"bool": "BOOL"}
DTYPES = {theirs: ours for ours, theirs in TYPES.items()}
# Bytes of the longest line of JSON: a thousand times what a network takes. A stream without an end
# of line would else fill the memory before anyone could say so.
LONGEST = 2**26


class ProtocolError(Exception):
    """What came over the pipe is no message; the text quotes it."""


def send(
    pipe: IO[bytes], message: Mapping[str, Any], tensors: Mapping[str, Any] | None = None
) -> None:
    """Write one message, and flush."""
    given = {name: np.array(value, order="C", copy=None) for name, value in (tensors or {}).items()}
    # What is large is not copied for the sake of the message.
    large = sum(array.nbytes for array in given.values()) >= mapped.LARGE
    parts = in_parts(given) if large else [save(given)] if given else []
    size = sum(len(part) for part in parts)
    line = json.dumps({**message, "tensors": size}, allow_nan=False)
    pipe.write(line.encode() + b"\n")
    for part in parts:
        pipe.write(part)
    pipe.flush()


def in_parts(tensors: Tensors) -> list[Buffer]:
    """What `safetensors.numpy.save` gives: the header, and each array where it lies."""
    order = sorted(tensors, key=lambda name: (-tensors[name].itemsize, name))
    header: dict[str, Any] = {}
    end = 0
    for name in order:
        array = tensors[name]
        begin, end = end, end + array.nbytes
        kind = TYPES[array.dtype.name]
        header[name] = {"dtype": kind, "shape": array.shape, "data_offsets": [begin, end]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    arrays = [tensors[name].reshape(-1).view(np.uint8).data for name in order]
    return [len(text).to_bytes(8, "little") + text, *arrays]


def parsed(payload: memoryview) -> Tensors:
    """What `safetensors.numpy.load` gives, without a copy."""
    begin = 8 + int.from_bytes(payload[:8], "little")
    header = json.loads(bytes(payload[8:begin]))
    header.pop("__metadata__", None)
    found: Tensors = {}
    for name, told in header.items():
        first, last = told["data_offsets"]
        if not 0 <= first <= last <= len(payload) - begin:
            raise ValueError(f"{name} lies outside of the {len(payload)} bytes")
        part = payload[begin + first : begin + last]
        dtype = np.dtype(DTYPES[told["dtype"]])
        # What is not aligned would be slow for ever after. (The payload itself is.)
        aligned = (begin + first) % dtype.itemsize == 0
        array = np.frombuffer(part if aligned else bytes(part), dtype)
        found[name] = array.reshape(told["shape"])
    return found


def receive(pipe: IO[bytes]) -> tuple[dict[str, Any], Tensors] | None:
    """Read one message; None at the end of the stream."""
    line = pipe.readline(LONGEST)
    if not line:
        return None
    try:
        message = json.loads(line)
        size = int(message.get("tensors", 0))
    except (ValueError, AttributeError, TypeError, OverflowError, RecursionError) as error:
        raise ProtocolError(f"expected a line of JSON, got {line[:200]!r}") from error
    if size < 0:
        raise ProtocolError(f"{size} bytes of tensors are announced in {line[:200]!r}")
    try:
        payload = mapped.read(pipe, size) if size else memoryview(b"")
    except (OverflowError, MemoryError, ValueError) as error:
        raise ProtocolError(f"{size} bytes of tensors are announced: too many to hold") from error
    if len(payload) < size:
        raise ProtocolError(f"expected {size} bytes of tensors, got {len(payload)}")
    try:
        if size >= mapped.LARGE:
            return message, parsed(payload)
        return message, load(bytes(payload)) if size else {}
    except (SafetensorError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise ProtocolError(f"the tensors of {line[:200]!r} are no safetensors: {error}") from error

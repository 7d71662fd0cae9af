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

Tensors = dict[str, NDArray[Any]]
# Bytes of the longest line of JSON: a thousand times what a network takes. A stream without an end
# of line would else fill the memory before anyone could say so.
LONGEST = 2**26


class ProtocolError(Exception):
    """What came over the pipe is no message; the text quotes it."""


def send(
    pipe: IO[bytes], message: Mapping[str, Any], tensors: Mapping[str, Any] | None = None
) -> None:
    """Write one message, and flush."""
    payload = (
        save({name: np.array(value, order="C", copy=None) for name, value in tensors.items()})
        if tensors
        else b""
    )
    line = json.dumps({**message, "tensors": len(payload)}, allow_nan=False)
    pipe.write(line.encode() + b"\n" + payload)
    pipe.flush()


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
        payload = pipe.read(size) if size else b""
    except (OverflowError, MemoryError) as error:
        raise ProtocolError(f"{size} bytes of tensors are announced: too many to hold") from error
    if len(payload) < size:
        raise ProtocolError(f"expected {size} bytes of tensors, got {len(payload)}")
    try:
        return message, load(payload) if size else {}
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        raise ProtocolError(f"the tensors of {line[:200]!r} are no safetensors: {error}") from error

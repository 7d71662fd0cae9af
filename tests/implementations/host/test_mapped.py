"""Large arrays lie in files, and a large message is never held twice: nothing else changes."""

from __future__ import annotations

import io
import tempfile
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load, save

from backproof.implementations import protocol
from backproof.implementations.host import mapped

STREAM = np.random.default_rng(3)
TENSORS = {
    "loss": np.asarray(0.25),
    "bytes": np.arange(7, dtype=np.uint8),
    "half": STREAM.normal(size=(3, 5)).astype(np.float16),
    "kernel": STREAM.normal(size=(30, 40)),
    "single": STREAM.normal(size=(4, 40)).astype(np.float32),
    "nothing": np.zeros((0, 3)),
    "truth": np.array([True, False, True]),
}


def same(found: Any, wanted: Any) -> bool:
    return found.keys() == wanted.keys() and all(
        found[n].dtype == a.dtype
        and found[n].shape == a.shape
        and found[n].tobytes() == a.tobytes()
        for n, a in wanted.items()
    )


@pytest.fixture(params=["small", "large"])
def large(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Both ways of a message."""
    if request.param == "large":
        monkeypatch.setattr(mapped, "LARGE", 1)
    return bool(request.param == "large")


def test_a_message_comes_back_as_it_was(large: bool) -> None:
    pipe = io.BytesIO()
    protocol.send(pipe, {"do": "x"}, TENSORS)
    protocol.send(pipe, {"do": "y"})
    pipe.seek(0)
    first, second = protocol.receive(pipe), protocol.receive(pipe)
    assert first is not None
    assert second is not None
    assert (first[0]["do"], second[0]["do"]) == ("x", "y")
    assert same(first[1], TENSORS)
    assert (mapped.mapping_of(first[1]["kernel"]) is not None) == large


def test_both_ways_are_safetensors() -> None:
    assert same(load(b"".join(map(bytes, protocol.in_parts(TENSORS)))), TENSORS)
    assert same(protocol.parsed(memoryview(save(TENSORS))), TENSORS)


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\xff" * 40,
        b"\2\0\0\0\0\0\0\0[]" + b" " * 30,
        save({"x": np.zeros(9)})[:-8],
        save({"x": np.zeros(9)}).replace(b"[9]", b"[8]"),
        save({"x": np.zeros(9)}).replace(b'"F64"', b'"F65"'),
    ],
)
def test_what_is_no_safetensors_is_refused(payload: bytes, large: bool) -> None:
    pipe = io.BytesIO(b'{"tensors": %d}\n' % max(len(payload), 1) + payload)
    with pytest.raises(protocol.ProtocolError):
        protocol.receive(pipe)


def test_an_array_in_a_file_is_the_same_in_the_same_order() -> None:
    kernel = STREAM.normal(size=(30, 40))
    for array in (kernel, kernel.T, np.asarray(2.0)):
        found = mapped.moved(array)
        assert np.array_equal(found, array)
        assert found.strides == array.strides
        assert mapped.mapping_of(found) is not None
        mapped.let_go({"kernel": found})
        assert np.array_equal(found, array)
        assert mapped.moved(found) is found


def test_small_arrays_stay_where_they_are() -> None:
    assert mapped.mapped(TENSORS)["kernel"] is TENSORS["kernel"]
    mapped.let_go(TENSORS)


def test_without_room_for_files_all_stays_in_memory(
    monkeypatch: pytest.MonkeyPatch, large: bool
) -> None:
    class Full(io.BytesIO):
        def write(self, given: Any) -> int:
            if self.tell() > 100:
                raise OSError(28, "No space left on device")
            return super().write(given)

    pipe = io.BytesIO()
    protocol.send(pipe, {}, TENSORS)
    monkeypatch.setattr(mapped, "CHUNK", 64)
    for broken in (Full, no_folder):
        pipe.seek(0)
        monkeypatch.setattr(tempfile, "TemporaryFile", broken)
        received = protocol.receive(pipe)
        assert received is not None
        assert same(received[1], TENSORS)
        assert mapped.moved(TENSORS["kernel"]) is TENSORS["kernel"]


def no_folder() -> Any:
    raise FileNotFoundError(2, "no usable temporary directory found")

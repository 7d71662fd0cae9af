"""Recorded numbers: one point, from arrays and files; right ones match, wrong ones are named."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from backproof import (
    Adam,
    Dense,
    GradientDescent,
    Loss,
    Momentum,
    Network,
    UsageError,
    check,
    verify,
)
from backproof.comparison.judging.rows import Status
from backproof.mathematics.network.network_file import load

RNG = np.random.default_rng(5)
X, Y = RNG.normal(size=(7, 3)), RNG.normal(size=(7, 2))
W, B = RNG.normal(size=(3, 2)), RNG.normal(size=2)
E = X @ W + B - Y
NETWORK = Network((Dense(3, 2),), Loss("squared_error", batch="sum", scale=0.5))
RIGHT: dict[str, Any] = {
    "inputs": X,
    "targets": Y,
    "parameters/dense_1/kernel": W,
    "parameters/dense_1/bias": B,
    "loss": 0.5 * np.vdot(E, E),
    "gradient/dense_1/kernel": X.T @ E,
    "gradient/dense_1/bias": E.sum(axis=0),
}
WRONG = {**RIGHT, "gradient/dense_1/bias": E.mean(axis=0)}
ONE_POINT = "one point was compared and no probe"


def test_right_numbers_match_and_it_is_said_of_how_many_points() -> None:
    report = verify(NETWORK, recorded=RIGHT)
    report.assert_match()
    assert len(report.rows) == 3
    assert {row.point for row in report.rows} == {"data"}
    assert ONE_POINT in repr(report)
    assert ONE_POINT in report.to_markdown()
    assert ONE_POINT in report._repr_html_()


def test_wrong_numbers_are_named() -> None:
    report = verify(NETWORK, recorded=WRONG)
    assert report.status is Status.MISMATCH
    assert "mean over the samples" in report.cause


def test_what_no_fault_explains_is_judged_as_well(tmp_path: Path) -> None:
    """The slopes of the subject's own loss cannot be asked for; nor in a replay."""
    report = verify(NETWORK, recorded={**RIGHT, "gradient/dense_1/kernel": 0.123 + X.T @ E})
    assert report.status is Status.MISMATCH
    assert "could not be explained" not in report.cause
    assert "look at the gradient of the kernel" in report.cause
    report.write(tmp_path)
    done = replayed(tmp_path)
    assert done.returncode == 1
    assert ONE_POINT in " ".join(done.stdout.split())


def replayed(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "backproof", "replay", str(folder)], capture_output=True, text=True
    )


def test_a_replay_of_right_numbers_matches(tmp_path: Path) -> None:
    verify(NETWORK, recorded=RIGHT).write(tmp_path)
    assert replayed(tmp_path).returncode == 0


def test_biases_may_be_rows_and_groups_dicts() -> None:
    verify(
        NETWORK,
        recorded={
            "x": X,
            "y": Y,
            "parameters": {"kernel": W, "bias": B[None]},
            "gradients": {"kernel": X.T @ E, "dense_1/bias": E.sum(axis=0, keepdims=True)},
            "outputs": X @ W + B,
        },
    ).assert_match()


def test_of_outputs_alone_no_target_is_needed() -> None:
    given = {"inputs": X, "parameters/kernel": W, "parameters/bias": B}
    verify(NETWORK, recorded={**given, "outputs": X @ W + B}).assert_match()
    report = verify(NETWORK, recorded={**given, "outputs": X @ W - B})
    assert report.status is Status.MISMATCH


@pytest.mark.parametrize(
    ("without", "said"),
    [
        ("inputs", "recorded holds no inputs"),
        ("targets", "no targets (or upstream gradient), from which it follows"),
        ("parameters/dense_1/bias", "parameters missing: ['dense_1/bias']"),
    ],
)
def test_what_is_missing_is_said(without: str, said: str) -> None:
    with pytest.raises(UsageError) as raised:
        verify(NETWORK, recorded={n: v for n, v in RIGHT.items() if n != without})
    assert said in str(raised.value)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"gradient/dense_1/kernal": W}, "did you mean 'gradient/dense_1/kernel'?"),
        ({"parameters/dense_1/kernel": W.T}, "array.transpose(1, 0) would fit"),
        ({"loss": np.array([None])}, "loss: None at (0,) is among its values"),
        ({"loss": "low"}, "give numbers"),
        ({"updated/dense_1/kernel": W}, "no optimizer is named"),
        ({"parameters/velocity/dense_1/kernel": W}, "is none of this network"),
        ({"loss": np.float32(1), "gradient/kernel": np.float32(W)}, "with dtype='float32' or"),
    ],
)
def test_what_is_wrong_is_said(more: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError) as raised:
        verify(NETWORK, recorded={**RIGHT, **more})
    assert said in str(raised.value)


def test_a_subject_or_recorded_numbers_and_not_both() -> None:
    for given in ({}, {"subject": lambda p, b: {}, "recorded": RIGHT}):
        with pytest.raises(UsageError, match="give a subject, or recorded"):
            verify(NETWORK, **given)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="leave batch, parameters and points out"):
        verify(NETWORK, recorded=RIGHT, batch=(X, Y))


def narrowed(given: dict[str, Any]) -> dict[str, Any]:
    """The same, computed in float32."""
    x, y, w, b = (np.float32(each) for each in (X, Y, W, B))
    e = x @ w + b - y
    own = {"inputs": x, "targets": y, "parameters/dense_1/kernel": w, "parameters/dense_1/bias": b}
    own |= {"loss": np.float32(0.5) * np.vdot(e, e), "gradient/dense_1/kernel": x.T @ e}
    return {**given, **own, "gradient/dense_1/bias": e.sum(axis=0)}


def test_float32_is_judged_as_that() -> None:
    report = verify(NETWORK, recorded=narrowed({}))
    report.assert_match()
    assert {row.dtype for row in report.rows} == {"float32"}
    wrong = narrowed({})
    wrong["gradient/dense_1/kernel"] = wrong["gradient/dense_1/kernel"] * np.float32(1.001)
    assert verify(NETWORK, recorded=wrong).status is Status.MISMATCH


def test_inputs_that_the_code_cannot_have_had_are_refused() -> None:
    with pytest.raises(UsageError, match="inputs holds float64 numbers that float32 has not"):
        verify(NETWORK, recorded={**narrowed({}), "inputs": X}, dtype="float32")


def seen_as(held: np.ndarray[Any, Any], way: str) -> Any:
    """What says what it holds in one way alone."""
    methods = {
        way: lambda own, *given, **named: getattr(held, way)(*given, **named),
        "__dlpack_device__": lambda own: held.__dlpack_device__(),
    }
    return type("Other", (), methods)()


@pytest.mark.parametrize("way", ["__array__", "__dlpack__"])
def test_arrays_of_others_are_taken(way: str) -> None:
    made = {}
    for name, value in RIGHT.items():
        made[name] = seen_as(np.asarray(value), way)
    verify(NETWORK, recorded=made).assert_match()


@pytest.mark.parametrize("kind", ["bfloat16", "float16"])
def test_results_stored_in_a_half_precision_are_held_to_that(kind: str) -> None:
    ml_dtypes = pytest.importorskip("ml_dtypes")
    half = np.float16 if kind == "float16" else ml_dtypes.bfloat16
    given = narrowed({})
    given["gradient/dense_1/kernel"] = given["gradient/dense_1/kernel"].astype(half)
    verify(NETWORK, recorded=given).assert_match()
    given["gradient/dense_1/kernel"] = (given["gradient/dense_1/kernel"] * 1.1).astype(half)
    assert verify(NETWORK, recorded=given).status is Status.MISMATCH


@pytest.mark.slow(3)
def test_tensors_of_pytorch_are_taken() -> None:
    import torch

    given = {name: torch.tensor(value) for name, value in narrowed({}).items()}
    verify(NETWORK, recorded=given).assert_match()
    given["gradient/dense_1/bias"] = given["gradient/dense_1/bias"].to(torch.bfloat16)
    given["gradient/dense_1/kernel"].requires_grad_()
    verify(NETWORK, recorded=given).assert_match()
    given["gradient/dense_1/bias"] *= 2
    assert verify(NETWORK, recorded=given).status is Status.MISMATCH


def written(folder: Path, given: dict[str, Any], how: str) -> Path:
    arrays = {name: np.asarray(value) for name, value in given.items()}
    if how == "npz":
        np.savez(folder / "run.npz", **arrays)
        return folder / "run.npz"
    if how == "safetensors":
        save_file(arrays, folder / "run.safetensors")
        return folder / "run.safetensors"
    parts: dict[str, dict[str, Any]] = {"a.safetensors": {}, "b.safetensors": {}}
    for place, (name, value) in enumerate(arrays.items()):
        parts[("a.safetensors", "b.safetensors")[place % 2]][name] = value
    for file, held in parts.items():
        save_file(held, folder / file)
    index = {"weight_map": {name: file for file, held in parts.items() for name in held}}
    (folder / "run.safetensors.index.json").write_text(json.dumps(index))
    return folder if how == "folder" else folder / "run.safetensors.index.json"


@pytest.mark.parametrize("how", ["npz", "safetensors", "folder", "index"])
def test_files_are_read(tmp_path: Path, how: str) -> None:
    verify(NETWORK, recorded=written(tmp_path, RIGHT, how)).assert_match()
    wrong = verify(NETWORK, recorded=str(written(tmp_path, WRONG, how)))
    assert wrong.status is Status.MISMATCH


def test_a_file_of_bfloat16_is_read(tmp_path: Path) -> None:
    """The format has it, NumPy has not: written here byte by byte."""
    arrays = {name: np.asarray(value) for name, value in narrowed({}).items()}
    header, body = {}, b""
    for name, array in arrays.items():
        kind, data = "F32", array.astype("<f4").tobytes()
        if name == "gradient/dense_1/kernel":
            rounded = array.view(np.uint32) + 0x8000
            kind, data = "BF16", (rounded >> 16).astype("<u2").tobytes()
        offsets = [len(body), len(body) + len(data)]
        header[name] = {"dtype": kind, "shape": list(array.shape), "data_offsets": offsets}
        body += data
    told = json.dumps(header).encode()
    path = tmp_path / "run.safetensors"
    path.write_bytes(len(told).to_bytes(8, "little") + told + body)
    verify(NETWORK, recorded=path).assert_match()


@pytest.mark.parametrize(
    ("write", "said"),
    [
        (lambda path: np.savez(path, loss=np.array([object()])), "save plain arrays instead of"),
        (lambda path: path.write_bytes(b"PK"), "the file is damaged"),
        (lambda path: None, "no such file"),
    ],
)
def test_files_that_cannot_be_read_are_said(tmp_path: Path, write: Any, said: str) -> None:
    write(tmp_path / "run.npz")
    with pytest.raises(UsageError, match=said):
        verify(NETWORK, recorded=tmp_path / "run.npz")


def test_a_part_that_is_missing_is_said(tmp_path: Path) -> None:
    folder = written(tmp_path, RIGHT, "folder")
    (folder / "b.safetensors").unlink()
    with pytest.raises(UsageError, match=r"b\.safetensors is missing, which its index names"):
        verify(NETWORK, recorded=folder)
    outside = {"weight_map": {"loss": "../else.safetensors"}}
    (folder / "run.safetensors.index.json").write_text(json.dumps(outside))
    with pytest.raises(UsageError, match="does not lie beside it"):
        verify(NETWORK, recorded=folder / "run.safetensors.index.json")


RATE = 1e-3


def stepped(gradient: str = "true") -> dict[str, Any]:
    kernel, bias = W - RATE * (X.T @ E), B - RATE * E.sum(axis=0)
    given = {**RIGHT, "updated/dense_1/kernel": kernel, "updated/dense_1/bias": bias}
    if gradient != "true":
        given["gradient/dense_1/kernel"] = (W - kernel) / RATE
        given["gradient/dense_1/bias"] = (B - bias) / RATE
    return given


SHOWN = "its gradients are (W − W′)/η"


def test_gradients_that_a_step_shows_are_said_to_be_that() -> None:
    step = GradientDescent(RATE)
    plain = verify(NETWORK, recorded=stepped(), optimizer=step)
    plain.assert_match()
    assert SHOWN not in repr(plain)
    shown = verify(NETWORK, recorded=stepped("shown"), optimizer=step)
    shown.assert_match()
    assert SHOWN in repr(shown)
    alone = {n: v for n, v in stepped("shown").items() if not n.startswith("updated/")}
    again = verify(NETWORK, recorded=alone, optimizer=step)
    again.assert_match()
    assert SHOWN in repr(again)


def test_a_wrong_step_is_found() -> None:
    wrong = {**stepped(), "updated/dense_1/kernel": W + RATE * (X.T @ E)}
    assert verify(NETWORK, recorded=wrong, optimizer=GradientDescent(RATE)).exit_status == 1
    twice = {**stepped("shown"), "gradient/dense_1/bias": 2 * E.sum(axis=0)}
    assert verify(NETWORK, recorded=twice, optimizer=GradientDescent(RATE)).exit_status == 1


def test_the_state_of_an_optimizer_is_taken() -> None:
    optimizer = Momentum(0.1, momentum=0.9)
    slot = next(iter(optimizer.SLOTS))
    v = {"kernel": RNG.normal(size=(3, 2)), "bias": RNG.normal(size=2)}
    g = {"kernel": X.T @ E, "bias": E.sum(axis=0)}
    moved = {name: 0.9 * v[name] + g[name] for name in v}
    given = {**RIGHT}
    for name, before in (("kernel", W), ("bias", B)):
        given[f"parameters/{slot}/dense_1/{name}"] = v[name]
        given[f"updated/{slot}/dense_1/{name}"] = moved[name]
        given[f"updated/dense_1/{name}"] = before - 0.1 * moved[name]
    verify(NETWORK, recorded=given, optimizer=optimizer).assert_match()
    given["updated/dense_1/kernel"] = W - 0.1 * g["kernel"]
    assert verify(NETWORK, recorded=given, optimizer=optimizer).exit_status == 1
    bad = {**given, f"parameters/{slot}/dense_1/bias": np.ones(3)}
    with pytest.raises(UsageError, match="has shape"):
        verify(NETWORK, recorded=bad, optimizer=optimizer)
    with pytest.raises(UsageError, match="is none of this network"):
        verify(NETWORK, recorded=given, optimizer=Adam(0.1))


def test_a_later_step_of_adam_is_judged_by_its_count() -> None:
    optimizer, g = Adam(0.1), {"kernel": X.T @ E, "bias": E.sum(axis=0)}
    given = {**RIGHT, "parameters/step_count": np.array(4.0)}
    first, second = optimizer.SLOTS
    for name, before in (("kernel", W), ("bias", B)):
        m, v = 0.1 * g[name], 0.01 * g[name] ** 2
        given[f"parameters/{first}/dense_1/{name}"] = m
        given[f"parameters/{second}/dense_1/{name}"] = v
        m, v = 0.9 * m + 0.1 * g[name], 0.999 * v + 0.001 * g[name] ** 2
        given[f"updated/{first}/dense_1/{name}"] = m
        given[f"updated/{second}/dense_1/{name}"] = v
        m, v = m / (1 - 0.9**5), v / (1 - 0.999**5)
        given[f"updated/dense_1/{name}"] = before - 0.1 * m / (np.sqrt(v) + optimizer.epsilon)
    verify(NETWORK, recorded=given, optimizer=optimizer).assert_match()
    given["parameters/step_count"] = np.array(5.0)
    assert verify(NETWORK, recorded=given, optimizer=optimizer).exit_status == 1


LAYER = Dense(3, 2, "tanh")
OUT = np.tanh(X @ W + B)
DZ = Y * (1 - OUT**2)
OF_LAYER: dict[str, Any] = {
    "inputs": X,
    "parameters": {"kernel": W, "bias": B},
    "upstream": Y,
    "outputs": OUT,
    "gradients": {"inputs": DZ @ W.T, "kernel": X.T @ DZ, "bias": DZ.sum(axis=0)},
}


def test_a_layer_is_judged() -> None:
    report = check.recorded(LAYER, **OF_LAYER)
    report.assert_match()
    assert len(report.rows) == 4
    wrong = {"inputs": Y @ W.T, "kernel": X.T @ Y, "bias": Y.sum(axis=0)}
    report = check.recorded(LAYER, **{**OF_LAYER, "gradients": wrong})
    assert "the derivative of the activation is missing" in report.cause
    assert "right gradient of another loss" not in report.cause


def test_axes_of_a_layer_are_turned(tmp_path: Path) -> None:
    turned = {**OF_LAYER, "parameters": {"kernel": W.T, "bias": B}}
    turned["gradients"] = {**OF_LAYER["gradients"], "kernel": (X.T @ DZ).T}
    check.recorded(LAYER, axes={"kernel": (1, 0)}, **turned).assert_match()
    with pytest.raises(UsageError, match=r"array\.transpose\(1, 0\) would fit"):
        check.recorded(LAYER, **turned)
    columns = {**OF_LAYER, "inputs": X.T, "upstream": Y.T, "outputs": OUT.T}
    columns["gradients"] = {"inputs": (DZ @ W.T).T}
    order = {"inputs": (1, 0), "outputs": (1, 0)}
    check.recorded(LAYER, axes=order, **columns).assert_match()


def test_a_layer_is_judged_from_a_file(tmp_path: Path) -> None:
    flat = {"inputs": X, "upstream": Y, "parameters/kernel": W, "parameters/bias": B}
    flat |= {"input_gradient": DZ @ W.T, "gradient/kernel": X.T @ DZ}
    check.recorded(LAYER, written(tmp_path, flat, "npz")).assert_match()
    with pytest.raises(UsageError, match="and not both"):
        check.recorded(LAYER, tmp_path / "run.npz", inputs=X)
    with pytest.raises(UsageError, match="there are no inputs"):
        check.recorded(LAYER, outputs=OUT)


NETWORK_TOML = """
[[layers]]
fan_in = 3
fan_out = 2

[loss]
kind = "squared_error"
batch = "sum"
scale = 0.5
"""


def judged(folder: Path, *more: str) -> subprocess.CompletedProcess[str]:
    (folder / "network.toml").write_text(NETWORK_TOML)
    command = [sys.executable, "-m", "backproof", "judge", "run.npz", "--network", "network.toml"]
    return subprocess.run([*command, *more], cwd=folder, capture_output=True, text=True)


def test_the_command_judges(tmp_path: Path) -> None:
    written(tmp_path, RIGHT, "npz")
    done = judged(tmp_path, "--report", "out")
    assert done.returncode == 0, done.stderr
    assert ONE_POINT in " ".join(done.stdout.split())
    assert (tmp_path / "out" / "report.html").is_file()
    written(tmp_path, WRONG, "npz")
    done = judged(tmp_path)
    assert done.returncode == 1
    assert "mean over the samples" in " ".join(done.stdout.split())
    np.savez(tmp_path / "run.npz", loss=1.0)
    done = judged(tmp_path)
    assert done.returncode == 2
    assert "holds no inputs" in " ".join(done.stderr.split())


def test_no_framework_is_imported(tmp_path: Path) -> None:
    written(tmp_path, RIGHT, "npz")
    (tmp_path / "judge.py").write_text(
        "import sys\nfrom backproof import Dense, Loss, Network, verify\n"
        "loss = Loss('squared_error', batch='sum', scale=0.5)\n"
        "verify(Network((Dense(3, 2),), loss), recorded='run.npz').assert_match()\n"
        "assert not {'torch', 'keras', 'tensorflow', 'jax'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "judge.py"], cwd=tmp_path, check=True)


def test_a_network_file_may_ask_for_the_gradient_of_the_inputs(tmp_path: Path) -> None:
    (tmp_path / "layer.toml").write_text(f"input_gradient = true\n{NETWORK_TOML}")
    network, _ = load(tmp_path / "layer.toml")
    assert network.input_gradient
    assert Network.from_json(network.to_json()) == network

"""check: one layer, in the shapes that people write; a bug in each is caught, right code passes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

from backproof import Add, Dense, Flatten, Loss, Network, Penalty, UsageError, check
from backproof.comparison.judging.rows import Status

LAYER = Dense(3, 4, "tanh")
SQUARE = Dense(3, 3, "tanh")


def forward(x: Any, w: Any, b: Any) -> Any:
    out = np.tanh(x @ w + b)
    return out, (x, w, out)


def backward(dout: Any, cache: Any) -> Any:
    x, w, out = cache
    dz = dout * (1 - out**2)
    return dz @ w.T, x.T @ dz, dz.sum(axis=0)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_right_code_passes(dtype: Any) -> None:
    report = check(LAYER, forward=forward, backward=backward, dtype=dtype)
    report.assert_match()
    compared = {row.name for row in report.rows}
    own = {"gradient/dense_1/kernel", "gradient/dense_1/bias", "input_gradient"}
    assert compared == {"activation/dense_1", *own}
    power = max(row.power or 0.0 for row in report.rows if row.point == "data")
    assert power < {"float64": 1e-12, "float32": 1e-3}[dtype]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_wrong_slope_is_named(dtype: Any) -> None:
    def wrong(dout: Any, cache: Any) -> Any:
        x, w, out = cache
        dz = dout * (1 - out)
        return dz @ w.T, x.T @ dz, dz.sum(axis=0)

    report = check(LAYER, forward=forward, backward=wrong, dtype=dtype)
    assert report.cause == "in dense_1: the slope is 1 - a; it should be 1 - a**2"
    with pytest.raises(AssertionError, match="the slope is 1 - a"):
        report.assert_match()


@pytest.mark.parametrize(
    ("bug", "told"),
    [
        (lambda dz, w, x: dz, "delta of dense_1"),
        (lambda dz, w, x: dz @ w, "delta of dense_1 @ kernel"),
        (lambda dz, w, x: 2 * dz @ w.T, "2 * dx"),
        (lambda dz, w, x: dz @ w.T / len(x), "dx / n"),
    ],
)
def test_a_wrong_gradient_of_the_inputs_is_named(bug: Callable[..., Any], told: str) -> None:
    def wrong(dout: Any, cache: Any) -> Any:
        x, w, out = cache
        dz = dout * (1 - out**2)
        return bug(dz, w, x), x.T @ dz, dz.sum(axis=0)

    report = check(SQUARE, forward=forward, backward=wrong)
    assert report.status is Status.MISMATCH
    assert {row.name for row in report.rows if row.status is Status.MISMATCH} == {"input_gradient"}
    assert f"the gradient by the inputs is {told};" in report.cause


def named(dout: Any, cache: Any) -> Mapping[str, Any]:
    return dict(zip(("dx", "dw", "db"), backward(dout, cache), strict=True))


def flat(dx: Any, x: Any, w: Any, b: Any) -> Any:
    return dx


def by_arguments(dout: Any, x: Any, w: Any, out: Any) -> Any:
    return backward(dout, (x, w, out))


def swapped(cache: Any, dout: Any) -> Any:
    return backward(dout, cache)


def other_order(dout: Any, cache: Any) -> Any:
    dx, dw, db = backward(dout, cache)
    return dw, db, dx


@pytest.mark.parametrize("back", [named, by_arguments, swapped, other_order])
def test_passes_are_bound_by_names_and_shapes(back: Callable[..., Any]) -> None:
    given = forward if back is not by_arguments else lambda x, w, b: forward(x, w, b)[0]
    check(LAYER, forward=given, backward=back).assert_match()


def test_arguments_may_be_said_and_parameters_come_at_once() -> None:
    def odd(p: Any, q: Any, r: Any) -> Any:
        return forward(r, q, p)

    def back(dout: Any, cache: Any) -> Any:
        return backward(dout, cache)[::-1]

    check(LAYER, forward=odd, backward=back, arguments=("bias", "kernel", "inputs")).assert_match()

    def at_once(params: Any, x: Any) -> Any:
        return forward(x, params["kernel"], params["bias"])

    check(LAYER, forward=at_once, backward=named).assert_match()


def test_what_would_fit_is_told() -> None:
    with pytest.raises(UsageError, match=r"conv_param fits none.*arguments=\('inputs', 'kernel'"):
        check(LAYER, forward=lambda x, w, b, conv_param: x, backward=backward)
    with pytest.raises(UsageError, match="there is no backward"):
        check(LAYER, forward=forward)
    with pytest.raises(UsageError, match="forward=… and backward=…"):
        check(LAYER)
    report = check(LAYER, forward=forward, backward=lambda dout, cache: (dout,) * 7)
    assert report.status is Status.ERROR
    assert "return the gradients of inputs (samples, 3), kernel (3, 4), bias (4,)" in report.cause


def test_a_sum_over_samples_that_is_missing_is_told() -> None:
    def wrong(dout: Any, cache: Any) -> Any:
        x, w, out = cache
        dz = dout * (1 - out**2)
        return {"dx": dz @ w.T, "dw": x.T @ dz, "db": dz}

    report = check(LAYER, forward=forward, backward=wrong)
    assert "the sum over the first axis is missing" in report.cause


def turned(x: Any, w: Any, b: Any) -> Any:
    return forward(x, w.T, b)


def turned_back(dout: Any, cache: Any) -> Any:
    dx, dw, db = backward(dout, cache)
    return dx, dw.T, db


@pytest.mark.parametrize("layer", [LAYER, SQUARE])
def test_a_layout_is_told_and_may_be_said(layer: Dense) -> None:
    report = check(layer, forward=turned, backward=turned_back)
    assert not report.passed
    assert "in another layout it matches: axes={'kernel': (1, 0)}" in report.cause
    check(layer, forward=turned, backward=turned_back, axes={"kernel": (1, 0)}).assert_match()


class Held:
    """Parameters as attributes."""

    def __init__(self, fan_in: int = 3, fan_out: int = 4) -> None:
        self.W = np.zeros((fan_in, fan_out))
        self.b = np.zeros(fan_out)

    def forward(self, x: Any) -> Any:
        self.x, self.out = x, np.tanh(x @ self.W + self.b)
        return self.out

    def backward(self, dout: Any) -> Any:
        dz = dout * (1 - self.out**2)
        self.dW, self.db = self.x.T @ dz, dz.sum(axis=0)
        return dz @ self.W.T


class Kept(Held):
    """Gradients that the next call adds to: right for a fresh object alone."""

    total: Any = 0.0

    def backward(self, dout: Any) -> Any:
        dx = super().backward(dout)
        Kept.total = self.dW = self.dW + Kept.total * (np.shape(Kept.total) == self.dW.shape)
        return dx


@pytest.mark.parametrize("code", [Held, Held(), lambda: Held(3, 4)])
def test_objects_pass(code: Any) -> None:
    check(LAYER, code).assert_match()


def test_bugs_of_objects_are_found() -> None:
    class Wrong(Held):
        def backward(self, dout: Any) -> Any:
            super().backward(dout)
            return dout @ self.W.T

    assert check(LAYER, Wrong).status is Status.MISMATCH
    assert not check(LAYER, Kept).passed


def test_an_object_that_does_not_fit_is_told() -> None:
    class Bare:
        kernel_: Any = None

        def forward(self, x: Any) -> Any:
            return x

        def backward(self, dout: Any) -> Any:
            return dout

    with pytest.raises(UsageError, match=r"the Bare keeps no kernel \(3, 4\); it has nothing"):
        check(LAYER, Bare)
    with pytest.raises(UsageError, match="cannot be made without arguments"):
        check(LAYER, type("Needs", (Held,), {"__init__": lambda self, width: None}))


def test_layers_without_parameters_and_networks() -> None:
    def unflatten(dout: Any, shape: Any) -> Any:
        return dout.reshape(shape)

    def wrong(dout: Any, shape: Any) -> Any:
        return dout.reshape(shape[0], shape[2], shape[1]).transpose(0, 2, 1)

    def flatten(x: Any) -> Any:
        return x.reshape(len(x), -1), x.shape

    check(Flatten(), forward=flatten, backward=unflatten, inputs=(2, 3)).assert_match()
    report = check(Flatten(), forward=flatten, backward=wrong, inputs=(2, 3))
    assert "in flatten_1, the cotangent is brought back into shape" in report.cause

    network = Network((Dense(3, 4, "relu"), Dense(4, 2)), Loss("squared_error"))

    def both(x: Any, w1: Any, b1: Any, w2: Any, b2: Any) -> Any:
        z = x @ w1 + b1
        a = np.maximum(z, 0)
        return a @ w2 + b2, (x, z, a, w1, w2)

    def both_back(dout: Any, cache: Any, *, right: bool = True) -> Any:
        x, z, a, w1, w2 = cache
        dz = (dout @ w2.T) * (z > 0) if right else dout @ w2.T
        return dz @ w1.T, x.T @ dz, dz.sum(0), a.T @ dout, dout.sum(0)

    check(network, forward=both, backward=both_back).assert_match()
    report = check(network, forward=both, backward=lambda d, c: both_back(d, c, right=False))
    assert "slope" in report.cause or "derivative" in report.cause


def test_what_is_no_question_is_refused() -> None:
    penalised = Network((Dense(3, 4),), Loss("squared_error"), Penalty(l2=0.1))
    with pytest.raises(UsageError, match="a penalty is no part of a backward pass"):
        check(penalised, forward=forward, backward=backward)
    with pytest.raises(UsageError, match="inputs"):
        check(Add(), forward=forward, backward=backward)
    with pytest.raises(UsageError, match="NumPy has none"):
        check(LAYER, forward=forward, backward=backward, device="cuda")


@pytest.mark.slow(8)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_functions_and_modules_of_pytorch(dtype: Any) -> None:
    import torch

    class Function(torch.autograd.Function):
        right = True

        @staticmethod
        def forward(ctx: Any, x: Any, w: Any, b: Any) -> Any:
            out = torch.tanh(x @ w + b)
            ctx.save_for_backward(x, w, out)
            return out

        @classmethod
        def backward(cls, ctx: Any, dout: Any) -> Any:
            x, w, out = ctx.saved_tensors
            dz = dout * (1 - (out**2 if Function.right else out))
            return dz @ w.T, x.T @ dz, dz.sum(0)

    check(LAYER, Function, dtype=dtype).assert_match()
    Function.right = False
    report = check(LAYER, Function, dtype=dtype)
    assert report.cause == "in dense_1: the slope is 1 - a; it should be 1 - a**2"

    def plain(x: Any, w: Any, b: Any) -> Any:
        return torch.tanh(x @ w + b)

    check(LAYER, plain, arrays="torch", dtype=dtype).assert_match()

    class Module(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = torch.nn.Linear(3, 4, dtype=getattr(torch, dtype))

        def forward(self, x: Any) -> Any:
            return torch.tanh(self.inner(x))

    check(LAYER, Module(), axes={"kernel": (1, 0)}, dtype=dtype).assert_match()
    assert "axes={'kernel': (1, 0)}" in check(LAYER, Module(), dtype=dtype).cause


@pytest.mark.slow(10)
def test_custom_vjps_of_jax() -> None:
    import jax
    import jax.numpy as jnp

    def made(power: int) -> Any:
        @jax.custom_vjp
        def layer(x: Any, w: Any, b: Any) -> Any:
            return jnp.tanh(x @ w + b)

        def there(x: Any, w: Any, b: Any) -> Any:
            out = jnp.tanh(x @ w + b)
            return out, (x, w, out)

        def back(kept: Any, dout: Any) -> Any:
            x, w, out = kept
            dz = dout * (1 - out**power)
            return dz @ w.T, x.T @ dz, dz.sum(0)

        layer.defvjp(there, back)
        return layer

    for dtype in ("float64", "float32"):
        check(LAYER, made(2), dtype=dtype).assert_match()  # type: ignore[arg-type]
    assert check(LAYER, made(1)).cause == "in dense_1: the slope is 1 - a; it should be 1 - a**2"


@pytest.mark.slow(8)
@pytest.mark.parametrize("name", ["torch", "jax", "keras"])
def test_frameworks_may_be_the_reference(name: str) -> None:
    check(LAYER, forward=forward, backward=backward, references=[name]).assert_match()

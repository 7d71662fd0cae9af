"""Images by hand, channels first: what is right matches, what people get wrong is named."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backproof import Conv2D, Dense, Flatten, Loss, MaxPool2D, Network, Permute, adapters, verify
from backproof.implementations.adapters.batches import View
from backproof.mathematics.errors import EvaluationError
from tests.halves import slow_but
from tests.implementations.adapters import small_images

LAYERS = (
    Conv2D(2, 3, 3, padding=1, activation="relu"),
    MaxPool2D(2),
    Conv2D(3, 4, 3, stride=2, padding=1, activation="relu"),
)
HEAD = (Flatten(), Dense(16, 3, "softmax"))
LOSS = Loss("categorical_cross_entropy")
NETWORK = Network((*LAYERS, *HEAD), LOSS, inputs=(6, 8, 2))
FLATTENED = {"dense_1/kernel": (2, 2, 4), "activation/flatten_1": (2, 2, 4)}
SOURCE = Path(small_images.__file__).read_text(encoding="utf-8")

# What people write instead, by the fault that is named.
EDITS = {
    "overlap_overwritten_by_place": ("+= cols[:, :, i, j]", "= cols[:, :, i, j]"),
    "padding_missing_backwards": ("x[:, :, pad : pad + h, pad : pad + w]", "x[:, :, :h, :w]"),
    "bias_gradient_of_one_window": ("d.sum(axis=0)\n    dx", "dout.sum(axis=0)[:, 0, 0]\n    dx"),
    "bias_gradient_mean": ("d.sum(axis=0)\n    dx", "d.mean(axis=0)\n    dx"),
    "gradient_mean": (".reshape(w.shape)", ".reshape(w.shape) / len(cols)"),
    "gradient_axes_exchanged": (".reshape(w.shape)", ".reshape(w.shape).transpose(0, 1, 3, 2)"),
    "delta_not_transposed": ("dout.transpose(0, 2, 3, 1).reshape", "dout.reshape"),
    "output_not_transposed": (
        "out.reshape(len(x), oh, ow, f).transpose(0, 3, 1, 2)",
        "out.reshape(len(x), f, oh, ow)",
    ),
    "kernel_not_turned_backwards": ("d @ w.reshape", "d @ w[:, :, ::-1, ::-1].reshape"),
    "bias_left_out": (".T + b\n", ".T\n"),
    "slope_forgotten": ("da1 * (z1 > 0)", "da1"),
    "whole_window": (
        "cols[np.arange(dout.size), arg] = dout.reshape(-1)",
        "cols[:] = dout.reshape(-1, 1)",
    ),
    "first_of_window": (
        "cols[np.arange(dout.size), arg] = dout.reshape(-1)",
        "cols[:, 0] = dout.reshape(-1)",
    ),
    "largest_averaged": ("arg] = dout.reshape(-1)", "arg] = dout.reshape(-1) / k**2"),
}


def edited(old: str, new: str) -> Callable[..., Any]:
    """The code with an edit."""
    assert SOURCE.count(old) == 1, old
    space: dict[str, Any] = {"__name__": "edited"}
    exec(compile(SOURCE.replace(old, new), "small_images.py", "exec"), space)
    found: Callable[..., Any] = space["subject"]
    return found


def report_of(subject: Callable[..., Any], network: Network = NETWORK) -> Any:
    return verify(network, subject, references=["torch"], certified=False)


def test_code_with_channels_first_matches() -> None:
    right = adapters.channels_first(small_images.subject, flattened=FLATTENED)
    report = report_of(right)
    report.assert_match()
    assert {row.name for row in report.rows} >= {"activation/flatten_1", "gradient/dense_1/kernel"}


@pytest.mark.slow(2)
def test_a_network_that_says_how_it_flattens_needs_nothing_more() -> None:
    network = Network((*LAYERS, Permute((2, 0, 1)), *HEAD), LOSS, inputs=(6, 8, 2))
    report_of(adapters.channels_first(small_images.subject), network).assert_match()


@pytest.mark.slow(2)
def test_the_layout_that_would_fit_is_told() -> None:
    report = report_of(small_images.subject)
    assert not report.passed
    (told,) = {
        found[1]
        for row in report.rows
        if (found := re.search(r"in another layout it matches: (.*)", row.cause))
    }
    assert told.startswith("adapters.channels_first(subject, flattened={")
    assert "'dense_1/kernel': (2, 2, 4)" in told
    right = eval(told, {"adapters": adapters, "subject": small_images.subject})
    report_of(right).assert_match()


@pytest.mark.parametrize("name", slow_but(["whole_window"], EDITS, 5))
def test_what_people_get_wrong_is_named(name: str) -> None:
    wrong = edited(*EDITS[name])
    report = report_of(adapters.channels_first(wrong, flattened=FLATTENED))
    sentences = {fault.sentence for layer in LAYERS for fault in layer.faults if fault.name == name}
    assert sentences
    assert any(sentence in row.cause for row in report.rows for sentence in sentences), report.cause


def test_axes_and_images_that_do_not_fit_are_told() -> None:
    kernel, batch = np.zeros((3, 2)), View(np.zeros((1, 3)), np.zeros((1, 2)))
    wrong = adapters.permuted(lambda parameters, batch: {}, {"dense_1/kernel": (0, 2)})
    with pytest.raises(EvaluationError, match=r"dense_1/kernel has 2 axes, of which \(0, 2\)"):
        wrong({"dense_1/kernel": kernel}, batch)
    other = adapters.channels_first(
        lambda parameters, batch: {}, flattened={"dense_1/kernel": (2, 2, 1)}
    )
    with pytest.raises(EvaluationError, match=r"has 3 rows, the image \(2, 2, 1\) 4"):
        other({"dense_1/kernel": kernel}, batch)

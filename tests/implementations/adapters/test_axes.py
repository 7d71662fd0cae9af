"""Images by hand, channels first: what is right matches, what people get wrong is named."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backproof import (
    Batch,
    Conv2D,
    Dense,
    Flatten,
    Loss,
    MaxPool2D,
    Network,
    Permute,
    adapters,
    verify,
)
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


def test_parameters_of_another_shape_are_handed_over_and_back() -> None:
    """Those of a state too: a velocity, and running values."""
    scale = np.arange(3.0)
    given = {"batch_norm_1/scale": scale, "velocity/batch_norm_1/scale": scale + 3}

    def subject(parameters: Any, batch: Any) -> Any:
        assert {a.shape for a in parameters.values()} == {(1, 3, 1, 1)}
        found = {f"updated/{name}": array for name, array in parameters.items()}
        return {**found, "gradient/batch_norm_1/scale": parameters["batch_norm_1/scale"], "loss": 2}

    batch = View(np.zeros((1, 3)), np.zeros((1, 2)))
    found = adapters.shaped(subject, {"batch_norm_1/scale": (1, 3, 1, 1)})(given, batch)
    np.testing.assert_array_equal(found["updated/velocity/batch_norm_1/scale"], scale + 3)
    np.testing.assert_array_equal(found["gradient/batch_norm_1/scale"], scale)
    assert found["loss"] == 2
    with pytest.raises(EvaluationError, match=r"has 3 elements, and \(2, 1\) 2"):
        adapters.shaped(subject, {"batch_norm_1/scale": (2, 1)})(given, batch)


@pytest.mark.parametrize(
    "adapter",
    [
        adapters.columns,
        adapters.copied,
        adapters.float32,
        adapters.lists,
        adapters.one_sample,
        adapters.signed_labels,
        adapters.channels_first,
    ],
)
def test_masks_and_weights_go_on_to_the_subject(adapter: Any) -> None:
    seen: list[Any] = []

    def subject(parameters: Any, batch: Any) -> Any:
        seen.append(batch)
        return {"loss": 0.0}

    masks = {"dropout_1": np.eye(2, 3)}
    adapter(subject)({}, Batch(np.ones((2, 3)), np.ones((2, 3)), np.ones(2), masks))
    view = seen[0]
    assert np.shape(view.masks["dropout_1"]) == np.shape(view.inputs)
    assert np.sum(view.masks["dropout_1"]) == (1 if adapter is adapters.one_sample else 2)
    assert np.size(view.weights) == (1 if adapter is adapters.one_sample else 2)


def test_a_mask_of_pictures_is_turned_with_them() -> None:
    mask = np.arange(24.0).reshape(1, 2, 3, 4) % 2

    def subject(parameters: Any, batch: Any) -> Any:
        return {"loss": 0.0, "activation/x": batch.masks["dropout_1"]}

    batch = Batch(np.ones((1, 2, 3, 4)), np.ones((1, 1)), masks={"dropout_1": mask})
    found = adapters.channels_first(subject)({}, batch)
    np.testing.assert_array_equal(found["activation/x"], mask)

"""The pictures of the articles' networks, from the weights that their trainings have led to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from backproof import Parameters
from backproof.reproduction import SUBJECT

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from backproof.reproduction import Outcome

# Okabe and Ito's colours, which the colour-blind tell apart.
COLOURS = ("#0072B2", "#E69F00", "#009E73")
GRID = 400  # points a side


def figure(width: float, height: float) -> Figure:
    """An empty figure, of inches."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def final(outcome: Outcome) -> Parameters:
    """The subject's weights at the end of its training."""
    parameters = outcome.trained[SUBJECT].parameters
    return parameters[max(parameters)]


def mesh(low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A grid over a rectangle: its two axes, and its points, (GRID², 2)."""
    x, y = (np.linspace(a, b, GRID) for a, b in zip(low, high, strict=True))
    return x, y, np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)


def around(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The rectangle around points, with a margin."""
    low, high = points.min(axis=0), points.max(axis=0)
    margin = 0.05 * (high - low)
    return low - margin, high + margin


def xor_surface(outcome: Outcome) -> Figure:
    """Output over the square of the first two inputs, from above, with its level lines."""
    from comparisons.xor import PAIRING
    from scratch.xor import Xor

    batch = PAIRING.data()
    x, y, points = mesh(np.full(2, -0.25), np.full(2, 1.25))
    inputs = np.column_stack([points, np.ones(len(points))])
    output = Xor(final(outcome)).forward(inputs)[-1].reshape(GRID, GRID)
    drawn = figure(11, 4.6)
    solid: Any = drawn.add_subplot(1, 2, 1, projection="3d", computed_zorder=False)
    step = GRID // 50
    solid.plot_surface(
        *np.meshgrid(x[::step], y[::step]), output[::step, ::step], cmap="cividis", zorder=1
    )
    # Above the surface, where it would hide them.
    height = batch.targets[:, 0]
    faces = ["white" if target else "black" for target in height]
    edges = ["black" if target else "white" for target in height]
    solid.scatter(
        *batch.inputs[:, :2].T, height, c=faces, edgecolors=edges, s=70, depthshade=False, zorder=2
    )
    ticks = [0, 0.5, 1]
    solid.set(xticks=ticks, yticks=ticks, zticks=ticks, title="the surface")
    solid.set(xlabel="$x_1$", ylabel="$x_2$", zlabel="output")
    solid.view_init(elev=48, azim=-30)
    flat = drawn.add_subplot(1, 2, 2)
    filled = flat.contourf(x, y, output, levels=np.linspace(0, 1, 21), cmap="cividis")
    flat.contour(x, y, output, levels=[0.5], colors="white", linewidths=2)
    flat.scatter(*batch.inputs[:, :2].T, c=faces, edgecolors=edges, s=110)
    flat.set(xlabel="$x_1$", ylabel="$x_2$", aspect="equal", title="from above; the line is at ½")
    drawn.colorbar(filled, ax=flat, ticks=[0, 0.25, 0.5, 0.75, 1])
    return drawn


def circles_regions(outcome: Outcome) -> Figure:
    """The network's probability, and the two circles."""
    from comparisons.circles import PAIRING
    from scratch.circles import Circles

    batch = PAIRING.data()
    model = Circles(final(outcome))
    x, y, points = mesh(*around(batch.inputs))
    output = model.forward(points)[-1].reshape(GRID, GRID)
    drawn = figure(6.8, 5.6)
    axes = drawn.add_subplot()
    filled = axes.contourf(x, y, output, levels=np.linspace(0, 1, 21), cmap="RdBu", alpha=0.6)
    axes.contour(x, y, output, levels=[0.5], colors="black", linewidths=1.5)
    labels = batch.targets[:, 0].astype(int)
    for label, colour, name in ((0, "#B2182B", "outer, 0"), (1, "#2166AC", "inner, 1")):
        scatter(axes, batch.inputs[labels == label], colour, name)
    axes.set(xlabel="$x_1$", ylabel="$x_2$", aspect="equal")
    axes.legend(loc="upper right")
    drawn.colorbar(filled, ax=axes, ticks=[0, 0.25, 0.5, 0.75, 1], label="probability of inner")
    return drawn


def clusters_regions(outcome: Outcome) -> Figure:
    """The class that the network chooses, and the clouds of the test data."""
    from matplotlib.colors import ListedColormap

    from comparisons.reproduce.clusters import recognised
    from scratch.clusters import Clusters

    _, test = recognised()
    model = Clusters(final(outcome))
    x, y, points = mesh(*around(test.inputs.astype(np.float64)))
    chosen = model.predict(points).reshape(GRID, GRID)
    labels = test.targets.argmax(axis=1)
    wrong = model.predict(test.inputs) != labels
    drawn = figure(6.8, 5.6)
    axes = drawn.add_subplot()
    axes.contourf(
        x, y, chosen, levels=[-0.5, 0.5, 1.5, 2.5], cmap=ListedColormap(COLOURS), alpha=0.25
    )
    axes.contour(x, y, chosen, levels=[0.5, 1.5], colors="black", linewidths=1)
    for label, colour in enumerate(COLOURS):
        scatter(axes, test.inputs[(labels == label) & ~wrong], colour, f"class {label}")
    for label, colour in enumerate(COLOURS):
        axes.scatter(*test.inputs[(labels == label) & wrong].T, c=colour, s=24, edgecolors="black")
    axes.set(xlabel="$x_1$", ylabel="$x_2$", title=f"{wrong.sum()} of {len(wrong):,} are wrong")
    axes.legend(loc="lower right")
    return drawn


def scatter(axes: Axes, points: np.ndarray, colour: str, name: str) -> None:
    """Points of one class."""
    axes.scatter(*points.T, c=colour, s=12, label=name, edgecolors="white", linewidths=0.4)


def captcha_cut(outcome: Outcome) -> Figure:
    """One image, its cuts, and its cells."""
    from matplotlib.patches import Rectangle

    from comparisons._captcha_images import captchas, inked

    one = captchas()[0]
    drawn = figure(8, 5)
    above, below = drawn.subfigures(2, 1, height_ratios=(1, 1.25))
    first, second = above.subplots(1, 2)
    first.imshow(np.asarray(one.image))
    first.set_title(f"as drawn: {one.text}")
    second.imshow(255 - np.asarray(inked(one.image)), cmap="gray", vmin=0, vmax=255)
    for left, top, right, bottom in one.cuts:
        box = (left - 0.5, top - 0.5), right - left, bottom - top
        second.add_patch(Rectangle(*box, fill=False, edgecolor=COLOURS[1], linewidth=1.5))
    second.set_title("cleaned, and where it is cut")
    for axes in (first, second):
        axes.set_axis_off()
    for axes, cell, character in zip(below.subplots(1, 4), one.cells, one.text, strict=True):
        show_cell(axes, cell)
        axes.set_title(f"{character}: {cell.shape[0]} × {cell.shape[1]}")
    return drawn


def captcha_characters(outcome: Outcome) -> Figure:
    """The characters that the trained network is least sure of."""
    from comparisons import _captcha_weights
    from comparisons._captcha_images import CLASSES, COLUMNS, ROWS
    from comparisons.captcha import PAIRING
    from scratch.captcha import Captcha

    batch = PAIRING.data()
    model = Captcha(_captcha_weights.points()["final"])
    output = model.forward(batch.inputs)[-1]
    labels, chosen, sure = batch.targets.argmax(axis=1), output.argmax(axis=1), output.max(axis=1)
    order = np.argsort(sure, kind="stable")
    drawn = figure(11, 6.4)
    for axes, index in zip(drawn.subplots(4, 12).ravel(), order, strict=False):
        show_cell(axes, batch.inputs[index].reshape(ROWS, COLUMNS))
        right = chosen[index] == labels[index]
        axes.set_title(
            f"{CLASSES[chosen[index]]}  {sure[index]:.2f}", color=COLOURS[0] if right else "red"
        )
    return drawn


def show_cell(axes: Any, cell: np.ndarray) -> None:
    """A character as the network sees it: ink is dark."""
    axes.imshow(1 - cell, cmap="gray", vmin=0, vmax=1)
    axes.set(xticks=[], yticks=[])

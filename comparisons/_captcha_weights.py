"""Weights of `captcha` after 50 and after 100 iterations, kept in a file.

Nonlinear conjugate gradients magnify rounding. Started one ulp away in one of the weights, or with
the kernels of OpenBLAS for another processor, they come to weights that differ by up to 4e-8 of the
largest after 50 iterations, and by up to 2e-2 after 100 (24 such starts, five processors). From a
file they are the same on every machine, and `verify` need not train. To make the file anew:

    python -m comparisons._captcha_weights
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from comparisons._captcha_images import samples
from scratch.captcha import SEED, Captcha, initial_parameters, unflatten

FILE = Path(__file__).with_name("_captcha_weights.npz")
POINTS = {50: "middle", 100: "final"}  # after so many iterations


def trained() -> dict[str, NDArray[np.float64]]:
    """Train as the article does, and return θ at the points."""
    network = Captcha(initial_parameters(np.random.RandomState(SEED)))
    found: dict[str, NDArray[np.float64]] = {}

    def keep(iteration: int, loss: float) -> None:
        if iteration in POINTS:
            found[POINTS[iteration]] = network.theta.copy()

    network.minimize(*samples(), on_iteration=keep)
    return found


def stored() -> dict[str, NDArray[np.float32]]:
    """Read θ at the points from the file; float32 is as fine as training determines it."""
    with np.load(FILE, allow_pickle=False) as file:
        return {name: file[name] for name in POINTS.values()}


def points() -> dict[str, dict[str, NDArray[np.float64]]]:
    """The stored weights, by point and by parameter."""
    return {name: unflatten(theta.astype(np.float64)) for name, theta in stored().items()}


if __name__ == "__main__":
    np.savez(FILE, **{name: theta.astype(np.float32) for name, theta in trained().items()})

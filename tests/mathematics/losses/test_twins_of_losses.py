"""Each loss's twin in each framework, with its derivative, lies in the ball; of outputs too."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from backproof.implementations import frameworks
from backproof.mathematics import functions
from backproof.mathematics.arithmetic.balls.ball import Ball
from backproof.mathematics.arithmetic.rounding.model import Rounding
from backproof.mathematics.losses import LossFunction, twin
from tests.halves import slow_but
from tests.mathematics.losses.test_derivatives import EVERY, points
from tests.project import ROOT

FRAMEWORKS = ("keras", "torch", "jax")
# In a process of its own: a framework computes rows, and the gradient of their sum.
PROGRAM = """
import sys
import numpy as np
from tests.mathematics.losses.test_derivatives import EVERY, points
from backproof.mathematics.losses import twin

framework, path = sys.argv[1:]
if framework == "jax":
    import jax
    jax.config.update("jax_enable_x64", True)
elif framework == "keras":
    import keras
    keras.config.set_floatx("float64")

def derived(compute, x, y):
    if framework == "torch":
        import torch
        x = torch.tensor(x, requires_grad=True)
        rows = compute(x, torch.tensor(y))
        rows.sum().backward()
        return rows.detach().numpy(), x.grad.numpy()
    if framework == "jax":
        return compute(x, y), jax.grad(lambda x: compute(x, y).sum())(jax.numpy.asarray(x))
    import tensorflow as tf
    x = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        rows = compute(x, tf.constant(y))
    return rows.numpy(), tape.gradient(rows, x).numpy()

found = {}
for number, loss in enumerate(EVERY):
    results = derived(twin(loss, framework), *points(loss))
    found |= {f"{number} {part}": np.asarray(result) for part, result in enumerate(results)}
np.savez(path, **found)
"""


@pytest.fixture(scope="module", params=slow_but(["torch"], FRAMEWORKS, 5))
def replies(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> object:
    path: Path = tmp_path_factory.mktemp("twins") / "found.npz"
    command = [sys.executable, "-c", PROGRAM, request.param, str(path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return request.param, dict(np.load(path))


@pytest.mark.parametrize("number", range(len(EVERY)), ids=[loss.name for loss in EVERY])
def test_a_twin_lies_in_the_ball(replies: tuple[str, dict], number: int) -> None:
    framework, found = replies
    loss: LossFunction = EVERY[number]
    x, y = points(loss)
    rounding = Rounding.declared(frameworks.traits(framework), "float64")
    z = Ball(x, None)
    f = functions.named(loss.ACTIVATION or "linear")
    rows, slope = loss.ball(z, f.ball(z, rounding), Ball(y, None), rounding)
    wanted = [rows.value, slope.value]
    radii = [2 * ball.radius if ball.radius is not None else 0 * x for ball in (rows, slope)]
    if framework == "keras" and not loss.BY_ROW:  # a mean over the outputs
        columns = x.shape[1]
        spread = 4 * rounding.unit * np.abs(rows.value).sum(axis=1) / columns
        wanted = [wanted[0].mean(axis=1), wanted[1] / columns]
        radii = [radii[0].mean(axis=1) + spread, radii[1] / columns + 4 * rounding.unit * 9]
    for part in (0, 1):
        reply = found[f"{number} {part}"].reshape(wanted[part].shape)
        assert (np.abs(reply - wanted[part]) <= radii[part]).all(), (framework, part)


def test_every_loss_of_ours_has_its_twins() -> None:
    for loss in EVERY:
        assert all(hasattr(loss, framework) for framework in FRAMEWORKS)
    assert twin(EVERY[0], "jax") is not None


def test_a_twin_that_clips_would_be_seen(replies: tuple[str, dict]) -> None:
    """As Keras's own loss of probabilities does, at 1e-7: another number, far outside the ball."""
    a, y = np.array([[1e-9]]), np.ones((1, 1))
    loss = next(loss for loss in EVERY if loss.name.startswith("binary") and not loss.ACTIVATION)
    ball = Ball(a, None)
    rows, _ = loss.ball(
        ball, ball, Ball(y, None), Rounding.declared(frameworks.traits(replies[0]), "float64")
    )
    assert abs(-np.log(1e-7) - rows.value[0, 0]) > 1e6 * rows.radius[0, 0]

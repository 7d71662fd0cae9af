"""One training step in float64: how many times as long the frameworks take as the hand-written one.

Each network, at its article's batch size, meets Keras `train_on_batch`, PyTorch eager and PyTorch
compiled, all in one process, on one thread; every step computes its loss. The networks for pictures
of digits meet Keras alone, at batches of 32. In each round each contender makes a burst of steps,
and its time is the median over the rounds.

PyTorch compiled enters in two forms, of which the faster counts: the loss compiled, with autograd
and the optimizer as in eager; and the whole step compiled, as a function of the parameters.
"""

import json
import math
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from statistics import median
from time import perf_counter
from typing import Any

from tests.project import ROOT

NETWORKS = ("xor", "circles", "clusters")
PICTURES = ("digits_conv", "digits_residual")
ROUNDS = 60
BURST = 0.01  # seconds of steps by each contender in each round
ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "CUDA_VISIBLE_DEVICES": "-1",
    "KERAS_BACKEND": "tensorflow",
}
Steps = dict[str, Callable[[], object]]


def ratios() -> list[tuple[str, float, str]]:
    """(label, figure, bar) for each network and framework; and an xor step beside a product."""
    # A process of its own, as NumPy and TensorFlow read the thread counts when they are imported.
    command = [sys.executable, "-m", "tests.bench.step", "--measure"]
    environment = os.environ | ENVIRONMENT
    run = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, check=True)
    rows = []
    for name, seconds in json.loads(run.stdout.splitlines()[-1]).items():
        own, product = seconds.pop("scratch"), seconds.pop("product", 0.0)
        rows += [(f"step: {name}, {who} / scratch", t / own, "> 1") for who, t in seconds.items()]
        if name == "xor":
            label = f"step: xor, scratch, {1e6 * own:.1f} µs / a NumPy product of its inputs"
            rows.append((label, own / product, "<= 40"))
    return rows


def measure() -> dict[str, dict[str, float]]:
    """Return network → contender → seconds per step, in this process and its threads."""
    import keras
    import torch

    keras.config.set_floatx("float64")
    torch.set_num_threads(1)
    seconds = {}
    for name in NETWORKS:
        inputs, targets, rate = batch(name)
        steps = numpy_and_keras_steps(name, inputs, targets, rate)
        steps |= torch_steps(name, torch.from_numpy(inputs), torch.from_numpy(targets), rate)
        seconds[name] = interleaved(steps)
        forms = [seconds[name].pop(form) for form in list(seconds[name]) if "compiled" in form]
        if forms:
            seconds[name]["torch.compile"] = min(forms)
        else:
            seconds[name]["torch.compile (no C++ compiler here)"] = math.nan
    return seconds | {name: interleaved(digits_steps(name)) for name in PICTURES}


def digits_steps(name: str) -> Steps:
    """Return a step of a network for pictures of digits, and of its Keras twin, by 32 pictures."""
    import numpy as np

    import reference.keras_models
    from scratch import digits_conv, digits_residual

    rng = np.random.default_rng(0)
    pictures, targets = rng.normal(size=(32, 8, 8, 1)), np.eye(10)[rng.integers(0, 10, 32)]
    model = getattr(reference.keras_models, name)()
    steps: Steps = {"Keras train_on_batch": lambda: model.train_on_batch(pictures, targets)}
    if name == "digits_residual":
        residual = digits_residual.ResidualDigits(digits_residual.initial_parameters(rng))
        return {"scratch": lambda: residual.step(pictures, targets), **steps}
    own = digits_conv.ConvDigits(digits_conv.initial_parameters(rng))
    first = np.ascontiguousarray(pictures.transpose(0, 3, 1, 2))

    def step() -> object:  # Keras draws its masks within the step, too
        return own.step(first, targets, digits_conv.mask(rng, 32))

    return {"scratch": step, **steps}


def batch(name: str) -> tuple[Any, Any, float]:
    """Return inputs and targets of the size that the article has, and its learning rate."""
    import numpy as np

    from scratch import circles, clusters, xor

    rng = np.random.default_rng(0)
    if name == "xor":
        return np.array(xor.INPUTS, float), np.array(xor.TARGETS, float), xor.LEARNING_RATE
    if name == "circles":
        labels = rng.integers(0, 2, (1000, 1)).astype(float)
        return rng.normal(size=(1000, 2)), labels, circles.LEARNING_RATE
    one_hot = np.eye(3)[rng.integers(0, 3, 13_500)]
    return rng.normal(size=(13_500, 2)), one_hot, clusters.LEARNING_RATE


def numpy_and_keras_steps(name: str, inputs: Any, targets: Any, rate: float) -> Steps:
    """Return a step of the hand-written network, and of its Keras twin."""
    import numpy as np

    import reference.keras_models
    from scratch import circles, clusters, xor

    module, network = {
        "xor": (xor, xor.Xor),
        "circles": (circles, circles.Circles),
        "clusters": (clusters, clusters.Clusters),
    }[name]
    own = network(module.initial_parameters(np.random.RandomState(0)))
    model = getattr(reference.keras_models, name)()
    return {
        "scratch": lambda: own.step(inputs, targets, rate),
        "product": lambda: inputs.T @ inputs,
        "Keras train_on_batch": lambda: model.train_on_batch(inputs, targets),
    }


def torch_steps(name: str, inputs: Any, targets: Any, rate: float) -> Steps:
    """Return a step of the PyTorch twin: eager and, given a compiler, compiled in two forms."""
    import torch
    from torch.func import functional_call, grad_and_value

    import reference.torch_models

    class Objective(torch.nn.Module):
        """The twin's loss as a module of its own, so that functional_call reaches its penalty."""

        def __init__(self) -> None:
            super().__init__()
            self.model = getattr(reference.torch_models, name)().to(torch.float64)

        def forward(self, inputs: Any, targets: Any) -> Any:
            return self.model.loss(self.model(inputs), targets)

    def stepping(objective: Objective, loss_of: Callable[..., Any]) -> Callable[[], object]:
        optimizer = objective.model.configure_optimizers()

        def step() -> object:
            optimizer.zero_grad()
            loss = loss_of(inputs, targets)
            loss.backward()
            optimizer.step()
            return loss

        return step

    objective = Objective()
    steps = {"PyTorch eager": stepping(objective, objective)}
    if shutil.which(os.environ.get("CXX", "g++")) is None:  # what torch.compile calls
        return steps

    with_compiled_loss, pure = Objective(), Objective()
    parameters = {key: value.detach().clone() for key, value in pure.named_parameters()}

    @torch.compile
    def whole(parameters: dict[str, Any], inputs: Any, targets: Any) -> Any:
        def loss_at(parameters: dict[str, Any]) -> Any:
            return functional_call(pure, parameters, (inputs, targets))

        gradients, loss = grad_and_value(loss_at)(parameters)
        for key, gradient in gradients.items():
            parameters[key].sub_(gradient, alpha=rate)
        return loss

    return steps | {
        "compiled loss": stepping(with_compiled_loss, torch.compile(with_compiled_loss)),
        "compiled step": lambda: whole(parameters, inputs, targets),
    }


def interleaved(steps: Steps) -> dict[str, float]:
    """Return each contender's seconds per step, the median over rounds in which all take turns."""
    bursts = {}
    for who, step in steps.items():
        for _ in range(20):  # compile, trace, fill caches
            step()
        start = perf_counter()
        step()
        bursts[who] = max(1, round(BURST / (perf_counter() - start)))
    seconds: dict[str, list[float]] = {who: [] for who in steps}
    for _ in range(ROUNDS):
        for who, step in steps.items():
            start = perf_counter()
            for _ in range(bursts[who]):
                step()
            seconds[who].append((perf_counter() - start) / bursts[who])
    return {who: median(times) for who, times in seconds.items()}


if __name__ == "__main__":
    if sys.argv[1:] == ["--measure"]:
        print(json.dumps(measure()))
    else:
        for label, figure, bar in ratios():
            print(f"{label}: {figure:.3g} (bar: {bar})")

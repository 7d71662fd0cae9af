"""Planted failures: what user code does instead of an answer, at each moment that it is called."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path

from tests.faces.plugin_project import environment

PAIRING = """
    import ctypes, datetime, os, posix, signal, sys, time
    import numpy as np
    from backproof import Batch, Dense, GradientDescent, Loss, Network, Pairing, Waiver

    class Odd(BaseException):
        pass

    class Mute(Exception):
        def __str__(self):
            raise RuntimeError("no words")

    {file}

    def data():
        {data}
        return Batch(np.arange(8.0).reshape(4, 2) - 3, np.array([[0.0], [1], [1], [0]]))

    def initial():
        {initial}
        return {{"dense_1/kernel": np.ones((2, 1)), "dense_1/bias": np.ones(1)}}

    def minibatch(data, step):
        {minibatch}
        return data

    def points():
        {points}
        return {{}}

    def subject(parameters, batch):
        {subject}
        z = batch.inputs @ parameters["dense_1/kernel"] + parameters["dense_1/bias"]
        delta = z - batch.targets
        return {{
            "loss": 0.5 * (delta**2).sum(),
            "gradient/dense_1/kernel": batch.inputs.T @ delta,
            "gradient/dense_1/bias": delta.sum(axis=0),
        }}

    PAIRING = Pairing(
        name="{name}",
        network=Network((Dense(2, 1),), Loss("squared_error", batch="sum", scale=0.5)),
        subject=subject,
        data=data,
        initial=initial,
        minibatch=minibatch,
        points=points,
        optimizer=GradientDescent(0.1),
        references={references},
        steps=1,
        quantities=("loss", "gradient"),
        waivers=({waivers}),
    )
"""
MOMENTS = ("file", "data", "initial", "minibatch", "points", "subject")


@dataclass(frozen=True)
class Deed:
    """What is done, and what is to be said of it, with the moment filled in."""

    code: str
    said: str


# Python sees these: each is the error of its own pairing alone.
SOFT = {
    "exits": Deed("raise SystemExit(0)", "wanted to exit"),
    "leaves": Deed("os._exit(0)", "wanted to exit"),
    "leaves_by_posix": Deed("posix._exit(0)", "wanted to exit"),
    "calls_sys_exit": Deed("sys.exit((lambda: 0)())", "wanted to exit"),
    "raises": Deed("raise ValueError('no luck')", "ValueError: no luck"),
    "raises_no_exception": Deed("raise Odd('no luck')", "Odd: no luck"),
    "raises_generator_exit": Deed("raise GeneratorExit('no luck')", "GeneratorExit: no luck"),
    "interrupts": Deed("raise KeyboardInterrupt('no luck')", "KeyboardInterrupt: no luck"),
    "has_no_memory": Deed("raise MemoryError('no luck')", "MemoryError: no luck"),
    "recurses": Deed("(f := lambda: f())()", "RecursionError"),
    "raises_mute": Deed("raise Mute", "Mute: (its text cannot be told: RuntimeError)"),
}
# The process itself ends: only its guard can say so.
HARD = {
    "c_exits": Deed("ctypes.CDLL(None).exit(0)", "the run ended by itself with status 0 while"),
    "killed": Deed("os.kill(os.getpid(), signal.SIGKILL)", "the run was ended by SIGKILL while"),
    "crashes": Deed("ctypes.string_at(0)", "the run was ended by SIGSEGV while"),
}
# Whoever waits has to give up.
HANGS = {"sleeps": Deed("time.sleep(600)", "gave no answer for 1 s")}
HELD = {"holds": Deed("ctypes.PyDLL(None).sleep(600)", "gave no answer for 1 s and was killed")}


def write(folder: Path, name: str, **parts: str) -> None:
    """A pairing file ``name``.py below ``folder``/comparisons, with code at some of its moments."""
    filled = dict.fromkeys(MOMENTS, "pass") | {"references": '{"numpy": None}', "waivers": ""}
    (folder / "comparisons").mkdir(exist_ok=True)
    text = textwrap.dedent(PAIRING).format(**filled | parts | {"name": name})
    (folder / "comparisons" / f"{name}.py").write_text(text)


def command(*arguments: str) -> list[str]:
    """The command line, as a user runs it."""
    return [sys.executable, "-m", "backproof", *arguments]


def run(folder: Path, backproof: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A command in a project, with the backproof that has a twin in NumPy."""
    return subprocess.run(
        command(*arguments),
        cwd=folder,
        env={**os.environ, **environment(backproof)},
        capture_output=True,
        text=True,
        timeout=300,
    )

"""A process for a project's runs: ``python -m backproof.reproduction.worker subject float64 .``.

It speaks the protocol of the twins' workers. The requests are ``train``, ``sample`` and ``effect``;
each names a recipe's file and system. Numbers cross as tensors called ``quantity/index/step``.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from backproof.comparison.pairing.pairing import objects
from backproof.implementations import protocol, worker
from backproof.implementations.protocol import Tensors
from backproof.mathematics.errors import UsageError
from backproof.mathematics.network.parameters import digest
from backproof.reproduction.published import Key, Numbers
from backproof.reproduction.recipe import Reproduction, Training

NUMBER = "number/"


def answer(message: Mapping[str, Any], tensors: Tensors) -> tuple[dict[str, Any], Tensors]:
    """Carry out one request."""
    recipe = found(message["file"], message["system"])
    match message["do"]:
        case "train":
            assert recipe.training is not None
            return {}, train(recipe.training, message["report"])
        case "neighbours":
            assert recipe.training is not None
            return {}, beside(recipe.training, message["names"])
        case "sample":
            assert recipe.sampling is not None
            run = recipe.sampling.run
            return {}, {
                f"{seed}/{name}": value
                for seed in message["seeds"]
                for name, value in packed(run(seed)).items()
            }
        case "effect":
            (erratum,) = (each for each in recipe.errata if each.name == message["erratum"])
            assert erratum.effect is not None
            return {"effects": [dataclasses.astuple(each) for each in erratum.effect()]}, {}
        case unknown:
            raise ValueError(f"no request {unknown!r}")


@cache
def found(file: str, system: str) -> Reproduction:
    """The recipe of a system in a file, which is loaded once."""
    for recipe in objects(Path(file), Reproduction):
        if recipe.system == system:
            return recipe
    raise UsageError(f"{file} has no Reproduction for {system!r}")


def train(training: Training, report: list[int]) -> Tensors:
    """The subject's training in full: what it has told, and the numbers read from it."""
    batch = training.batch()
    trained = training.subject(batch, report)
    training.evaluate(trained, batch)
    return trained.to_tensors() | packed(training.read(trained))


def beside(training: Training, names: list[str]) -> Tensors:
    """The numbers on moved data, by the name of the move; the same data are trained on once."""
    batch = training.batch()
    known: dict[str, Tensors] = {}
    tensors: Tensors = {}
    for index, name in enumerate(names):
        moved = training.neighbours[name](batch)
        key = digest({"inputs": moved.inputs, "targets": moved.targets})
        if key not in known:
            trained = training.subject(moved, training.wanted())
            training.evaluate(trained, moved)
            known[key] = packed(training.read(trained))
        tensors |= {f"{index}/{number}": value for number, value in known[key].items()}
    return tensors


def packed(numbers: Numbers) -> Tensors:
    """Numbers as tensors."""
    return {
        f"{NUMBER}{key.quantity}/{text(key.index)}/{text(key.step)}": np.asarray(value, np.float64)
        for key, value in numbers.items()
    }


def unpacked(tensors: Tensors) -> dict[Key, float]:
    """The numbers among tensors."""
    numbers: dict[Key, float] = {}
    for name, value in tensors.items():
        if name.startswith(NUMBER):
            quantity, index, step = name.removeprefix(NUMBER).rsplit("/", 2)
            numbers[Key(quantity, count(index), count(step))] = float(value)
    return numbers


def grouped(tensors: Tensors) -> dict[int, dict[Key, float]]:
    """Numbers by the integer that their names begin with: a seed, or a place in a list."""
    groups: dict[int, Tensors] = {}
    for name, value in tensors.items():
        first, _, rest = name.partition("/")
        groups.setdefault(int(first), {})[rest] = value
    return {first: unpacked(group) for first, group in groups.items()}


def text(value: int | None) -> str:
    """An index or a step, or nothing."""
    return "" if value is None else str(value)


def count(text: str) -> int | None:
    """What `text` has written."""
    return int(text) if text else None


def main() -> None:
    """Serve until there are no more requests."""
    worker.end_with_client()
    replies = worker.own_output(sys.argv[3])
    protocol.send(replies, {"ok": True, "versions": {}})
    worker.reply_to_all(sys.stdin.buffer, replies, answer)


if __name__ == "__main__":
    main()

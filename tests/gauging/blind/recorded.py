"""``python -m tests.gauging.blind.recorded [PROGRAM …]``: the same programs, known by one batch.

What each computes at its third step is written down, as somebody would who has a GPU and no Python
there, and judged as recorded numbers: no probe is asked, no second step, and no framework. Told are

    caught      some number is wrong
    unseen      every number is right, within rounding: this batch does not show the mistake
    unsure      the bound says too little

and of those that were caught, how a reader has graded what was said: in ``read.toml``, where it is
said in the same words as of the program itself, else in ``read_recorded.toml``. ``--renew`` writes
the sentences that are new there, as unread, and a reader then grades them. ``--show GRADE`` prints
those of that grade, or those that were not caught.

What is unseen cannot be seen: no number is another than it should be, to the twelve digits that are
sure. Such mistakes need another batch (one sample, values that are large or exactly at a kink), a
later step, or another call.
"""

from __future__ import annotations

import argparse
import sys
import time
import tomllib
import warnings
from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np

from backproof import verify
from backproof.comparison.record import subject_run
from backproof.implementations.subject.declaration import traits_of
from backproof.mathematics.errors import EvaluationError, UsageError
from backproof.mathematics.network.parameters import MASK
from backproof.reports.report import Report
from tests.gauging.blind.__main__ import (
    CAUGHT,
    DTYPE,
    GRADES,
    HERE,
    READ,
    WRONG,
    programs,
    renewed,
    told,
)

OWN = HERE / "read_recorded.toml"
OTHERS = ("unseen", "unsure")
STEPS = 3
"""Made before: the biases are no longer 0 then, nor is what an optimizer keeps."""


def recorded(pairing: Any) -> dict[str, Any]:
    """All that a program gives at its third step, and what it was given, by name."""
    dtype = traits_of(pairing.subject).dtype or DTYPE
    data, initial = pairing.start(HERE, dtype)
    state = initial | subject_run.at_rest(pairing.network, pairing.optimizer, dtype)
    steps = STEPS if "updated" in pairing.quantities else 0
    results: dict[str, Any] = {}
    for step in range(steps + 1):
        batch = pairing.cut(data, step)
        results = subject_run.evaluate(pairing, state, batch)
        following = subject_run.next_state(pairing, results, step + 1, dtype)
        if step == steps or following is None:
            break
        state = following
    given = {f"parameters/{name}": value for name, value in state.items()}
    masks = {f"{MASK}{node}": mask for node, mask in batch.masks.items()}
    own = {"inputs": batch.inputs, "targets": batch.targets, **masks}
    if batch.weights is not None:
        own["weights"] = batch.weights
    kept = {name: value for name, value in results.items() if usable(name, value)}
    return given | own | kept


def usable(name: str, value: Any) -> bool:
    """Whether it is an array of numbers, which a file holds."""
    return isinstance(value, np.ndarray) and value.dtype.kind in "fiu"


def judged(module: Any) -> Report | str:
    """The report of a program's numbers; or why it gave none."""
    pairing = module.PAIRING
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            given = recorded(pairing)
        except EvaluationError as error:
            return str(error)
        form = {n: each for n, each in pairing.forms.items() if n == "subject"}
        optimizer = pairing.optimizer if "updated" in pairing.quantities else None
        return verify(pairing.network, recorded=given, optimizer=optimizer, forms=form)


def words(sentence: str) -> str:
    """What is said of the mistake, without where it shows."""
    return sentence.partition("; only ")[0].partition(" (it should be")[0].strip()


def main() -> int:
    """Print the score."""
    parser = argparse.ArgumentParser(prog="python -m tests.gauging.blind.recorded")
    parser.add_argument("programs", nargs="*", help="names of programs or folders; all by default")
    parser.add_argument("--show", choices=(*GRADES, *OTHERS), action="append", default=[])
    parser.add_argument("--renew", action="store_true", help=f"write what is new to {OWN.name}")
    options = parser.parse_args()
    read = tomllib.loads(READ.read_text(encoding="utf-8"))
    own = tomllib.loads(OWN.read_text(encoding="utf-8")) if OWN.exists() else {}
    since, count, mistakes = time.process_time(), 0, {}
    for folder in WRONG:
        found, grades = Counter[str](), Counter[str]()
        for name, module in programs(folder, options.programs):
            count += 1
            kind, sentence = verdict(module)
            found[kind] += 1
            grade = kind
            if kind == "caught":
                grade = graded(sentence, read.get(name), own.get(name))
                grades[grade] += 1
                if grade == "unread" and options.renew:
                    own[name] = {"sentence": sentence, "grade": grade}
            if name in own:
                mistakes[name] = module.MISTAKES
            if grade in options.show:
                told_of = " ".join(module.MISTAKES)
                print(f"{name} ({grade}): {told_of}\n    {sentence}", flush=True)
        if found:
            print(
                f"{folder}: {told(found, ('caught', *OTHERS))}; {told(grades, GRADES)}", flush=True
            )
    if options.renew:
        OWN.write_text(renewed(own, mistakes), encoding="utf-8")
    print(f"{count} programs, {(time.process_time() - since) / max(count, 1):.2f} s each")
    return 0


def verdict(module: Any) -> tuple[str, str]:
    """Whether a program's mistakes are caught, and what is said of the cause."""
    try:
        report = judged(module)
    except UsageError as error:
        return "caught", str(error)
    if isinstance(report, str):
        return "caught", report
    if str(report.status) in CAUGHT:
        return "caught", report.cause
    return ("unseen" if report.passed else "unsure"), report.cause


def graded(sentence: str, read: Mapping[str, str] | None, own: Mapping[str, str] | None) -> str:
    """The grade that a reader gave to it."""
    if own is not None and own["sentence"] == sentence:
        return own["grade"]
    if read is not None and words(read["sentence"]) == words(sentence):
        return read["grade"]
    return "unread"


if __name__ == "__main__":
    sys.exit(main())

"""``python -m tests.gauging.edits [EDIT …]``: mistakes in the networks of pictures and words.

Each edit is one that people make: a stride, an axis, `=` for `+=`; they stand in a ``.toml`` of the
network's name. The copy is held against the definition. Told is, by file, how many were caught, and
how a reader has graded what was said of the cause, as `tests.gauging.blind` has it: the grades
stand in ``read.toml``, each beside the sentence as it was read, and one that has changed is unread.
``--renew`` writes new sentences there; ``--new`` takes only edits of which none stands there yet;
``--show GRADE`` prints those of a grade.
"""

from __future__ import annotations

import argparse
import datetime
import sys
import time
import tomllib
import types
import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from backproof.comparison.pairing.pairing import Broken, Pairing
from backproof.comparison.record import FALSE_ALARM
from backproof.comparison.run import Workers, verify
from backproof.mathematics.network.parameters import Batch
from backproof.reports.report import Report
from tests.gauging.blind.__main__ import CAUGHT, GRADES, renewed, told
from tests.project import ROOT

HERE = Path(__file__).parent
READ = HERE / "read.toml"
FILES = ("digits_conv", "digits_residual", "words_gpt", "words_lstm")
# Worst cases do not decide these.
DEEP = ("words_gpt",)
# What an edit changes shows at the probes, on a few pictures and at the first steps.
SAMPLES, STEPS = 48, 2


class Edit(NamedTuple):
    """``old``, which stands in the file exactly once, becomes ``new``; ``mistake`` says what is."""

    old: str
    new: str
    mistake: str


def edits(names: list[str]) -> Iterator[tuple[str, Edit]]:
    """Those that are named, by file or by file and name, or all: ``digits_conv/beta_mean``."""
    for file in FILES:
        every = tomllib.loads((HERE / f"{file}.toml").read_text(encoding="utf-8"))
        for name, edit in every.items():
            key = f"{file}/{name}"
            if not names or file in names or key in names:
                yield key, Edit(**edit)


def pairing_of(file: str, edit: Edit | None) -> Pairing:
    """The pairing of an edited copy of the file, on fewer pictures, against the definition."""
    source = (ROOT / "scratch" / f"{file}.py").read_text(encoding="utf-8")
    if edit is not None:
        count = source.count(edit.old)
        assert count == 1, f"{edit.old!r} stands {count} times in {file}.py"
        source = source.replace(edit.old, edit.new)
    name = f"scratch.{file}"
    kept, sys.modules[name] = sys.modules.get(name), types.ModuleType(name)
    try:
        exec(compile(source, f"{file}.py", "exec"), vars(sys.modules[name]))
        path = ROOT / "comparisons" / f"{file}.py"
        module = types.ModuleType(f"edited_{file}")
        exec(compile(path.read_text(encoding="utf-8"), str(path), "exec"), vars(module))
    finally:
        sys.modules.pop(name)
        if kept is not None:
            sys.modules[name] = kept
    known: Pairing = module.PAIRING
    whole = known.data()

    def data() -> Batch:
        masks = {node: mask[:SAMPLES] for node, mask in whole.masks.items()}
        return Batch(whole.inputs[:SAMPLES], whole.targets[:SAMPLES], masks=masks)

    reference = {"definition": None}
    return replace(known, data=data, steps=STEPS, references=reference)


def judged(pairing: Pairing) -> tuple[str, str]:
    """The status of an edited copy, and what is said of the cause."""
    today = datetime.date.today()
    workers = Workers((), "float64", ROOT)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # an overflow of the subject's own is none of the command's
        # Worst cases alone, which are a third of the work, where they decide.
        chance = FALSE_ALARM if pairing.name in DEEP else 0.0
        (found,) = verify([pairing], workers, today, certified=False, chance=chance)
    if isinstance(found, Broken):
        return "ERROR", found.reason
    report = Report.of([found], {}, today)
    return str(report.status), report.cause


def main() -> int:
    """Print the score; 1 if an edit has passed or the unedited networks have not."""
    parser = argparse.ArgumentParser(prog="python -m tests.gauging.edits")
    parser.add_argument("edits", nargs="*", help="names of files or edits; all by default")
    parser.add_argument("--renew", action="store_true", help="write new sentences into read.toml")
    parser.add_argument("--show", choices=GRADES, action="append", default=[])
    parser.add_argument("--new", action="store_true", help="only edits that nobody has read")
    options = parser.parse_args()
    read = tomllib.loads(READ.read_text(encoding="utf-8")) if READ.exists() else {}
    grades: dict[str, Counter[str]] = {file: Counter() for file in FILES}
    caught, passed, count, since = Counter[str](), [], 0, time.process_time()
    mistakes = {key: (edit.mistake,) for key, edit in edits([])}
    for key, edit in edits(options.edits):
        if options.new and key in read:
            continue
        file, count = key.partition("/")[0], count + 1
        status, sentence = judged(pairing_of(file, edit))
        if status not in CAUGHT:
            passed.append(f"{key}: {status}")
            continue
        caught[file] += 1
        entry = read.get(key, {})
        grade = entry["grade"] if entry.get("sentence") == sentence else "unread"
        grades[file][grade] += 1
        read[key] = {"sentence": sentence, "grade": grade}
        if grade in options.show:
            print(f"{key} ({grade}): {edit.mistake}\n    {sentence}", flush=True)
        if options.renew:
            READ.write_text(renewed(read, mistakes), encoding="utf-8")
    for file, counted in grades.items():
        wrong = [each for each in passed if each.startswith(file)]
        if caught[file] or wrong:
            print(f"{file}: {caught[file]} of {caught[file] + len(wrong)} caught; ", end="")
            print(told(counted, GRADES))
    print("".join(f"    not caught: {each}\n" for each in passed), end="")
    print(f"{count} edits, {(time.process_time() - since) / max(count, 1):.2f} s each")
    return 1 if passed else 0


if __name__ == "__main__":
    sys.exit(main())

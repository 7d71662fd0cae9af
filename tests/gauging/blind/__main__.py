"""``python -m tests.gauging.blind [PROGRAM …]``: how good the gate is at what it has never seen.

The programs in ``wrong``, ``pairs``, ``triples`` and ``right`` are written as people write, by
someone who knew neither the catalogue of faults nor the grammar of the diagnosis. Each is held
against PyTorch. Told are, by folder, how many were caught, and how a reader has graded what was
said of the cause:

    right       every mistake is named
    useful      the right place or structure, or some of the mistakes
    nothing     no word of the mistake
    misleading  it sends to another place
    unread      nobody has read this sentence yet

The grades stand in ``read.toml``, each beside the sentence as it was read: no pattern decides, and
a sentence that has changed is unread until somebody reads it again. ``--renew`` writes the new
sentences there, as unread, below the mistakes in plain words; the reader then writes the grade.
``--show GRADE`` prints the sentences of that grade.
"""

from __future__ import annotations

import argparse
import datetime
import importlib.util
import json
import sys
import time
import tomllib
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from backproof.comparison.pairing.pairing import Broken
from backproof.comparison.run import Workers, verify
from backproof.implementations.subject.declaration import traits_of
from backproof.reports.report import Report
from tests.gauging.blind.contracted import contracted

HERE = Path(__file__).parent
READ = HERE / "read.toml"
WRONG, RIGHT = ("wrong", "pairs", "triples"), "right"
GRADES = ("right", "useful", "nothing", "misleading", "unread")
CAUGHT = ("MISMATCH", "ERROR")
REFERENCE, DTYPE = "torch", "float64"


def programs(folder: str, names: list[str]) -> Iterator[tuple[str, Any]]:
    """The programs of a folder, those that are named or all: ``wrong/relu_on_output``."""
    paths = [*(HERE / folder).glob("*.py"), *(HERE / "contract" / folder).glob("*.py")]
    for path in sorted(paths, key=lambda path: path.stem):
        if not names or path.stem in names or folder in names:
            spec = importlib.util.spec_from_file_location(f"blind_{folder}_{path.stem}", path)
            assert spec is not None
            assert spec.loader is not None
            module = importlib.util.module_from_spec(spec)
            sys.modules[spec.name] = module  # dataclasses look for their module there
            spec.loader.exec_module(module)
            if not hasattr(module, "PAIRING"):
                module.PAIRING = contracted(module, path.stem)
                module.MISTAKES = (module.TRUTH,)
            yield f"{folder}/{path.stem}", module


def judged(module: Any, workers: dict[str, Workers]) -> tuple[str, str]:
    """The status of a program, and what is said of the cause."""
    dtype = traits_of(module.PAIRING.subject).dtype or DTYPE
    if dtype not in workers:
        workers[dtype] = Workers([REFERENCE], dtype, HERE)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an overflow of the subject's own is none of the command's
        today = datetime.date.today()
        (found,) = verify([module.PAIRING], workers[dtype], today)
        if isinstance(found, Broken):
            return "ERROR", found.reason
        report = Report.of([found], {}, today)
        return str(report.status), report.cause


def renewed(read: dict[str, dict[str, str]], mistakes: dict[str, tuple[str, ...]]) -> str:
    """The grades as a file, each below the mistakes that the sentence is about."""
    blocks = ["# Grades of what was said: see __main__.py. --renew writes this, a reader grades.\n"]
    for name in sorted(read):
        lines = [f"# {' '.join(each.split())}" for each in mistakes.get(name, ())]
        sentence = json.dumps(read[name]["sentence"], ensure_ascii=False)
        lines += [f'["{name}"]', f"sentence = {sentence}", f'grade = "{read[name]["grade"]}"']
        blocks.append("\n".join(lines) + "\n")
    return "\n".join(blocks)


def told(counted: Counter[str], order: tuple[str, ...]) -> str:
    """``3 right, 1 useful``."""
    return ", ".join(f"{counted[each]} {each}" for each in order if counted[each])


def main() -> int:
    """Print the score; 1 if something wrong has passed or something right was called wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.gauging.blind")
    parser.add_argument("programs", nargs="*", help="names of programs or folders; all by default")
    parser.add_argument("--renew", action="store_true", help="write new sentences into read.toml")
    parser.add_argument("--show", choices=GRADES, action="append", default=[])
    options = parser.parse_args()
    read = tomllib.loads(READ.read_text(encoding="utf-8")) if READ.exists() else {}
    workers: dict[str, Workers] = {}
    failed, mistakes, count, since = 0, {}, 0, time.process_time()
    for folder in WRONG:
        grades, caught, passed = Counter[str](), 0, []
        for name, module in programs(folder, options.programs):
            count, mistakes[name] = count + 1, module.MISTAKES
            status, sentence = judged(module, workers)
            if status not in CAUGHT:
                passed.append(f"{name}: {status}")
                continue
            caught += 1
            known = read.get(name, {})
            grade = known["grade"] if known.get("sentence") == sentence else "unread"
            grades[grade] += 1
            if options.renew:
                read[name] = {"sentence": sentence, "grade": grade}
            if grade in options.show:
                print(f"{name} ({grade}): {' '.join(module.MISTAKES)}\n    {sentence}", flush=True)
        if caught or passed:
            print(f"{folder}: {caught} of {caught + len(passed)} caught; {told(grades, GRADES)}")
            print("".join(f"    not caught: {each}\n" for each in passed), end="", flush=True)
        failed += len(passed)
    statuses, alarms = Counter[str](), []
    for name, module in programs(RIGHT, options.programs):
        count += 1
        status, sentence = judged(module, workers)
        statuses[status] += 1
        if status not in ("MATCH", "AT-FAULT"):
            alarms.append(f"    {name}: {status}: {sentence}\n")
        failed += status in CAUGHT
    if statuses:
        print(f"{RIGHT}: {told(statuses, tuple(statuses))}\n" + "".join(alarms), end="")
    if options.renew:
        stale = set() if options.programs else {name for name in read if name not in mistakes}
        kept = {name: each for name, each in read.items() if name not in stale}
        before = dict.fromkeys(kept, ())
        for folder in WRONG if options.programs else ():
            names = [name.partition("/")[2] for name in kept]
            before |= {n: m.MISTAKES for n, m in programs(folder, names)}
        READ.write_text(renewed(kept, before | mistakes), encoding="utf-8")
    for each in workers.values():
        each.__exit__()
    print(f"{count} programs, {(time.process_time() - since) / max(count, 1):.2f} s each")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

"""The mutation run over all pairings, and the diagnosis of one mismatch on `circles`.

Processor time, of all processes: wall time on two cores is less, unless others use them.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator

from backproof.comparison.bounds.bounds import Bounds
from backproof.comparison.diagnosis import Evidence, diagnose
from backproof.comparison.record.record import SUBJECT
from backproof.mathematics.faults import planted
from tests.bench.bounds import ROOT
from tests.comparison.diagnosis.grounds import PAIRINGS, of_pairing

# Seconds for the whole run on two cores, and for one diagnosis.
MOST, ONE = 60.0, 2.0


def of_children() -> float:
    """The processor seconds of every process that was waited for."""
    times = os.times()
    return times.children_user + times.children_system


def ratios() -> Iterator[tuple[str, float, str]]:
    """The seconds of each by its bar; of the diagnoses the slowest."""
    begun = of_children()
    command = [sys.executable, "-m", "backproof", "faults"]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    whole = of_children() - begun
    yield f"every fault in every pairing, {whole:.1f} s / {MOST:g} s", whole / MOST, "<= 1"
    circles, slowest = PAIRINGS["circles"], (0.0, "")
    for plant in planted(circles.network, circles.optimizer):
        record = of_pairing(circles, plant.at)
        bounds = Bounds(record)
        bounds.prepare(SUBJECT)  # the comparison needs them in any case
        begun = time.process_time()
        diagnose(Evidence(record, bounds, SUBJECT))
        slowest = max(slowest, (time.process_time() - begun, plant.name))
    taken, name = slowest
    yield f"diagnosis of {name}, the slowest, {taken:.2f} s / {ONE:g} s", taken / ONE, "<= 1"

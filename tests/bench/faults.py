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
from backproof.mathematics.arithmetic.floating import Float
from backproof.mathematics.definition.evaluate import evaluate
from backproof.mathematics.faults import planted
from backproof.mathematics.network.network import Network
from backproof.mathematics.network.parameters import Batch, Parameters
from tests.comparison.diagnosis.grounds import PAIRINGS, of_pairing
from tests.project import ROOT


def spent(command: list[str]) -> float:
    """The processor seconds of a command that must succeed."""
    begun = of_children()
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return of_children() - begun


def of_children() -> float:
    """The processor seconds of every process that was waited for."""
    times = os.times()
    return times.children_user + times.children_system


def ratios() -> Iterator[tuple[str, float, str]]:
    """The run beside the import of two frameworks; the slowest diagnosis beside an evaluation."""
    imports = spent([sys.executable, "-c", "import keras, torch"])
    whole = spent([sys.executable, "-m", "backproof", "faults"])
    label = f"every fault in every pairing, {whole:.1f} s / import keras, torch, {imports:.1f} s"
    yield label, whole / imports, "<= 13"
    circles, slowest = PAIRINGS["circles"], (0.0, "")
    for plant in planted(circles.network, circles.optimizer):
        record = of_pairing(circles, plant.intervene)
        bounds = Bounds(record)
        bounds.prepare(SUBJECT)  # the comparison needs them in any case
        begun = time.process_time()
        diagnose(Evidence(record, bounds, SUBJECT))
        slowest = max(slowest, (time.process_time() - begun, plant.name))
    taken, name = slowest
    batch, parameters = circles.start(ROOT, "float64")
    plain = min(evaluated(circles.network, parameters, batch) for _ in range(100))
    label = f"diagnosis of {name}, the slowest, {taken:.2f} s / plain NumPy, {plain * 1e3:.2f} ms"
    yield label, taken / plain, "<= 20000"


def evaluated(network: Network, parameters: Parameters, batch: Batch) -> float:
    """The processor seconds of one plain evaluation."""
    begun = time.process_time()
    evaluate(Float(), network, parameters, batch)
    return time.process_time() - begun

"""What one worker is asked about one pairing, and its answers as they go into the record."""

from __future__ import annotations

from concurrent.futures import Future

from backproof.comparison.record.record import Point, Record
from backproof.implementations.client import Reply, Worker
from backproof.mathematics import optimizers, registry
from backproof.mathematics.arithmetic.rounding.forms import LOGITS
from backproof.mathematics.errors import EvaluationError


class Exchange:
    """A twin opened in a worker, and every point that it has been asked to evaluate."""

    def __init__(
        self, record: Record, model: str | None, worker: Worker, *, compiled: bool = True
    ) -> None:
        self.record = record
        self.model = model
        self.worker = worker
        self._batches: set[str] = set()
        self._asked: dict[Point, Future[Reply]] = {}
        self._opened = worker.request(
            {
                "do": "open",
                "twin": record.pairing,
                "model": model,
                "compiled": compiled,
                "outputs": record.forms.get(worker.framework, LOGITS).of,
                "network": record.network.to_json(),
                "optimizer": optimizers.to_json(record.optimizer),
                "parts": registry.files(),
            }
        )

    def ask(self, point: Point) -> None:
        """Queue one point, whose parameters and batch are in the record."""
        key = f"{self.record.pairing}/{self.record.batch_name(point)}"
        if key not in self._batches:
            batch = self.record.batch(point)
            self.worker.request({"do": "batch", "batch": key}, batch.arrays())
            self._batches.add(key)
        want = sorted({name.split("/")[0] for name in self.record.names(point)})
        self._asked[point] = self.worker.request(
            {"do": "evaluate", "twin": self.record.pairing, "batch": key, "want": want},
            self.record.parameters[point],
        )

    def again(self, worker: Worker) -> Exchange:
        """The same exchange with another worker, the former one being lost."""
        renewed = Exchange(self.record, self.model, worker)
        for point in self._asked:
            renewed.ask(point)
        return renewed

    def collect(self) -> None:
        """Take the answers into the record; what fails is noted there, and nothing is lost."""
        self.worker.request(
            {"do": "forget", "twin": self.record.pairing, "batches": sorted(self._batches)}
        )
        name = self.worker.framework
        evaluations = self.record.evaluations.setdefault(name, {})
        errors = self.record.errors.setdefault(name, {})
        try:
            self.worker.wait(self._opened)
        except EvaluationError as error:
            errors |= dict.fromkeys(self._asked, str(error))
            return
        for point, future in self._asked.items():
            try:
                evaluations[point] = self.worker.wait(future)[1]
            except EvaluationError as error:
                errors[point] = str(error)

"""A run: start the workers at once, evaluate everything, then judge pairing by pairing."""

from __future__ import annotations

import datetime
import difflib
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from backproof.comparison.bounds.bounds import Bounds
from backproof.comparison.bounds.certainty import Certainty
from backproof.comparison.judging.layouts import name_layout
from backproof.comparison.judging.rows import Row, Status
from backproof.comparison.judging.verdicts import compare, errors
from backproof.comparison.pairing.pairing import Broken, Pairing
from backproof.comparison.record import DEFINITION, FALSE_ALARM
from backproof.comparison.record.record import SUBJECT, Point, Record
from backproof.comparison.record.subject_run import measure_slopes
from backproof.comparison.record.subject_run import run as run_subject
from backproof.comparison.record.twin_session import Exchange
from backproof.implementations import lending
from backproof.implementations.client import Worker
from backproof.implementations.host import watched
from backproof.implementations.host.mapped import mapped
from backproof.implementations.host.watched import TIME_LIMIT
from backproof.mathematics import registry
from backproof.mathematics.arithmetic.rounding.model import HALF, held_in
from backproof.mathematics.errors import EvaluationError, UsageError, refused, told
from backproof.mathematics.faults.evaluation import computed
from backproof.mathematics.network.quantities import expected


@dataclass(eq=False)
class Judged:
    """A record with its rows."""

    record: Record
    rows: list[Row]


class Workers:
    """The worker processes of a run, one a framework, all started together."""

    def __init__(
        self, frameworks: Iterable[str], dtype: str, root: Path, limit: float = TIME_LIMIT
    ) -> None:
        self.dtype = dtype
        self.root = root
        self.limit = limit
        self.by_name: dict[str, Worker] = {}
        self.asked: set[str] = set()
        self._calibrated: dict[str, bool] = {}
        self._others: dict[str, Workers] = {}
        for name in frameworks:
            self.start(name)

    def suited(self, pairing: Pairing) -> Workers:
        """The workers for a pairing: in its own dtype, or the one that its subject knows.

        In half precision every subject is given float32 (docs/bounds.md).
        """
        dtype = pairing.dtype or pairing.traits.dtype
        if dtype in (None, self.dtype) or (self.dtype in HALF and pairing.dtype is None):
            return self
        if dtype not in self._others:
            self._others[dtype] = Workers((), dtype, self.root, self.limit)
        return self._others[dtype]

    def every(self) -> Iterator[Worker]:
        """All workers, of every dtype."""
        yield from self.by_name.values()
        for others in self._others.values():
            yield from others.every()

    def start(self, name: str) -> None:
        """Start a framework's worker, unless it runs already; the definition needs none."""
        if name != DEFINITION and name not in self.by_name:
            lent = lending.borrowed(name, self.dtype, self.root, self.limit)
            self.by_name[name] = lent or Worker(name, self.dtype, self.root, limit=self.limit)

    def serve(self, pairings: Iterable[Pairing], *, suited: bool = True) -> None:
        """Start the workers that these pairings need, and end those that were started for nothing.

        ``suited``: each pairing's in the dtype of its subject.
        """
        needed = [(self.suited(each) if suited else self, each.references) for each in pairings]
        self.asked = {name for _, references in needed for name in references}
        mine = {name for own, references in needed if own is self for name in references}
        for name in sorted(self.by_name.keys() - mine):
            worker = self.by_name.pop(name)
            if not worker.ready:
                worker.kill()  # in the middle of its import, and nobody has a question
            worker.close()
        for own, references in needed:
            for name in sorted(references):
                own.start(name)

    @property
    def names(self) -> set[str]:
        """The frameworks that pairings are compared with, in whichever dtype."""
        return self.asked | self.by_name.keys()

    def restart(self, name: str) -> Worker:
        """Another worker in place of one that was lost."""
        self.by_name[name].close()
        self.by_name[name] = Worker(name, self.dtype, self.root, limit=self.limit)
        return self.by_name[name]

    def versions(self) -> dict[str, str]:
        """The versions of every framework that could be started."""
        found: dict[str, str] = {}
        for worker in self.every():
            try:
                found |= worker.versions()
            except EvaluationError as error:
                found[worker.framework] = f"not available: {error}"
        return found

    def calibrated(self, name: str) -> bool:
        """Whether what was measured of a framework in a half precision holds here.

        It does with the versions and the processor that it was measured on; elsewhere it is tried
        out, which takes some ten seconds.
        """
        if name not in self._calibrated:
            self._calibrated[name] = self.dtype in HALF and self._holds(name)
        return self._calibrated[name]

    def _holds(self, name: str) -> bool:
        from backproof.implementations.calibration.precisions import measured_here

        if measured_here(name, self.dtype):
            return True
        from backproof.implementations.calibration.calibration import kept

        try:
            return kept(self.by_name[name], self.dtype)
        except EvaluationError:
            return False  # a worker that is lost says so to whoever asks it next

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, kind: object = None, *_: object) -> None:
        with ExitStack() as stack:
            for worker in self.every():
                stack.callback(worker.close)
                if kind is not None:  # broken off: nobody waits for what they are doing
                    worker.kill()


def verify(
    pairings: Iterable[Pairing],
    workers: Workers,
    today: datetime.date,
    on_stage: Callable[[str], object] = lambda stage: None,
    *,
    certified: bool = True,
    chance: float = FALSE_ALARM,
    seed: int | None = None,
) -> Iterator[Judged | Broken]:
    """Evaluate all pairings, and yield each one judged; first those that cannot start.

    ``chance``: of one false alarm in a pairing, where rounding errors are taken as random; 0 for
    worst cases alone. ``seed``: that of the probes, where they are not to be those they always are.

    While the frameworks are still being imported, the subjects run and their points are queued;
    then the bounds are computed; then the answers are taken and compared. Whatever is raised on the
    way by one pairing, becomes the ERROR of its own comparisons.
    """
    cases: list[Case] = []
    for pairing in pairings:
        on_stage(f"{pairing.name}: running the subject")
        pairing = pairing.narrowed({DEFINITION, *workers.names})
        own = workers.suited(pairing)
        for name in pairing.references:
            own.start(name)
        try:
            case = Case(pairing, own, new_record(pairing, own, chance, seed), certified)
            case.attempt("running it", case.ask, but=(UsageError, EvaluationError))
        except (UsageError, EvaluationError) as error:
            yield Broken(pairing.name, str(error), isinstance(error, EvaluationError))
        except BaseException as error:  # it costs this pairing, and must not cost the others
            watched.let_through(error)
            yield Broken(pairing.name, failure(f"pairing {pairing.name}: starting it", error))
        else:
            cases.append(case)
    for case in cases:
        name = case.record.pairing
        on_stage(f"{name}: deriving the bounds")
        with watched.doing(f"deriving the bounds of {name}", name, case.patience):
            known = (SUBJECT, *case.record.references)
            case.attempt("deriving its bounds", partial(case.bounds.prepare, *known))
        on_stage(f"{name}: certifying values")
        with watched.doing(f"certifying values of {name}", name, case.patience):
            case.attempt("certifying its values", case.certainty.prepare)
    for index, case in enumerate(cases):
        name = case.record.pairing
        on_stage(f"{name}: waiting for {' and '.join(case.record.references)}")
        following = [later for later in cases[index + 1 :] if later.workers is case.workers]
        case.attempt("taking the answers", partial(case.collect, following))
        with watched.doing(f"judging {name}", name, case.patience):
            judged = case.judged(today)
        yield judged


class Case:
    """One pairing on its way through a run, with all that is known of it so far."""

    def __init__(self, pairing: Pairing, workers: Workers, record: Record, certified: bool) -> None:
        self.pairing = pairing
        self.workers = workers
        self.record = record
        self.certified = certified
        self.exchanges: list[Exchange] = []
        self.bounds = Bounds(record)
        self.certainty = Certainty(record, wanted=False)
        self.failed = ""

    @property
    def patience(self) -> float | None:
        """The seconds that judging it may take at a point, if code of a user's own does it."""
        return patience(self.record, self.workers.limit)

    def attempt(
        self,
        doing: str,
        task: Callable[[], object],
        but: type[Exception] | tuple[type[Exception], ...] = (),
    ) -> None:
        """Do something for this pairing; what it raises is noted, and ends it for this pairing.

        ``but``: what is the caller's.
        """
        if self.failed:
            return
        try:
            task()
        except but:
            raise
        except BaseException as error:  # it costs this pairing, and must not cost the others
            watched.let_through(error)
            self.failed = failure(doing, error)
            self.bounds = Bounds(self.record)  # it may be memory that lacks

    def ask(self) -> None:
        """Run the subject, and ask the references about its points."""
        self.exchanges = ask(self.pairing, self.record, self.workers)
        self.certainty = Certainty(self.record, wanted=self.certified)  # now its points are known

    def collect(self, following: Iterable[Case]) -> None:
        """Take the references' answers."""
        for exchange in self.exchanges:
            with watched.doing(f"waiting for {' and '.join(self.record.references)}"):
                exchange.collect()
            if exchange.worker.lost is not None and exchange.worker.ready:
                # This pairing's twin has ended its worker; those that follow get another one.
                worker = self.workers.restart(exchange.worker.framework)
                for later in following:
                    later.exchanges = renewed(later.exchanges, worker)

    def judged(self, today: datetime.date) -> Judged:
        """The record with its rows."""
        rows: list[Row] = []
        limit = self.workers.limit

        def judge() -> None:
            measure = partial(measure_slopes, self.pairing, self.record, limit)
            rows.extend(compare(self.record, self.bounds, self.certainty, today, measure))
            name_layout(self.pairing, self.record, rows, limit)

        self.attempt("judging it", judge)
        return Judged(self.record, errors(self.record, self.failed) if self.failed else rows)


def patience(record: Record, limit: float) -> float | None:
    """The limit, if parts of a user's own are asked while a record is judged; they may hang."""
    return limit if record.parts else None


def failure(doing: str, error: BaseException) -> str:
    """What is said of a pairing that something was raised by."""
    if isinstance(error, MemoryError):
        return f"{doing} took more memory than there is ({told(error)}): take a smaller batch"
    if why := refused(error):
        return f"{doing} failed, for the system refused it ({why}): see to its limits (ulimit -a)"
    frames = traceback.extract_tb(error.__traceback__)
    if {frame.filename for frame in frames} & set(registry.files()):
        ended = "was ended" if isinstance(error, SystemExit) else "failed"
        return f"{doing} {ended} by a part of your own ({told(error)}): mend it there"
    return f"{doing} failed ({told(error)}): this is a fault of backproof itself; please report it"


def judge_again(
    records: Iterable[Record],
    today: datetime.date,
    *,
    certified: bool = True,
    limit: float = TIME_LIMIT,
) -> Iterator[Judged]:
    """Judge stored records, as `verify` judged them.

    What was left out of a record is as it was judged then. ``limit``: the seconds that a part of
    a user's own may take at a point, in a process that is guarded.
    """
    for record in records:
        yield Judged(record, judged_again(record, today, certified, limit))


def judged_again(record: Record, today: datetime.date, certified: bool, limit: float) -> list[Row]:
    """The rows of a stored record."""
    name = record.pairing
    try:
        watched.refuse(name)
    except EvaluationError as error:  # judging it has ended a former run
        return errors(record, str(error))
    try:
        with watched.doing(f"judging {name}", name, patience(record, limit)):
            certainty = Certainty(record, wanted=certified)
            bounds = Bounds(record)
            bounds.prepare(SUBJECT, *record.references)  # in the order of `verify`
            return completed(compare(record, bounds, certainty, today), record.judged)
    except BaseException as error:  # it costs this pairing, and must not cost the others
        watched.let_through(error)
        return errors(record, failure("judging it", error))


def completed(rows: list[Row], judged: Iterable[Row]) -> list[Row]:
    """The rows of a record of which not all was stored, after what all of its rows were.

    A verdict that is another now, counts; but what matched in view of points that are not there any
    more, a zero of a tensor that is none elsewhere, is not undecided for their sake.
    """
    if not judged:
        return rows
    again = {(row.reference, row.name, row.point, row.step): row for row in rows}
    whole = []
    for former in judged:
        row = again.get((former.reference, former.name, former.point, former.step), former)
        lost = (former.status, row.status) == (Status.MATCH, Status.UNDECIDED)
        whole.append(former if lost or row.status is former.status else row)
    return whole


def new_record(
    pairing: Pairing, workers: Workers, chance: float = FALSE_ALARM, seed: int | None = None
) -> Record:
    """An empty record of a pairing.

    What was measured of a framework's operations is known of twins that are built of those alone,
    not of a model of one's own.
    """
    return Record(
        pairing=pairing.name,
        subject=pairing.subject_name,
        place=pairing.subject_place,
        calls=pairing.subject_calls,
        parts=tuple(in_project(file, workers.root) for file in registry.files()),
        network=pairing.network,
        optimizer=pairing.optimizer,
        dtype=workers.dtype,
        quantities=pairing.quantities,
        waivers=pairing.waivers,
        references=tuple(pairing.references),
        steps=pairing.steps if "updated" in pairing.quantities else 1,
        mild=not pairing.traits.saturates,
        recorded=pairing.traits.recorded,
        seed=seed,
        accuracy=declared_accuracy(pairing),
        precision=pairing.precision,
        forms=dict(pairing.forms),
        recovered=pairing.recovered,
        chance=chance,
        calibrated=tuple(
            name
            for name, model in pairing.references.items()
            if name != DEFINITION and model is None and workers.calibrated(name)
        ),
    )


def in_project(file: str, root: Path) -> str:
    """A file's path in the project, or its name, where it lies elsewhere."""
    path, root = Path(file).resolve(), root.resolve()
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name


def declared_accuracy(pairing: Pairing) -> dict[str, float]:
    """What the subject declares to err by, under names that the network has."""
    network = pairing.network
    functions = {f.name for n in network.nodes if (f := n.layer.function) is not None}
    known = [*sorted(functions), *(f"{name}'" for name in sorted(functions)), *expected(network)]
    for name in pairing.traits.accuracy:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            raise UsageError(
                f"pairing {pairing.name}: the subject declares an accuracy of {name!r}, which is "
                "no activation and no quantity of its network; "
                + (f"did you mean {near[0]!r}?" if near else f"there are {', '.join(known)}")
            )
    return dict(pairing.traits.accuracy)


def ask(pairing: Pairing, record: Record, workers: Workers) -> list[Exchange]:
    """Run the subject, and queue each of its points for every reference as it comes.

    Raises `UsageError`, and `EvaluationError` for one that has ended a former run.
    """
    watched.refuse(pairing.name)
    exchanges = [
        Exchange(record, pairing.references[name], workers.by_name[name])
        for name in record.references
        if name != DEFINITION
    ]
    with watched.doing(f"running the subject of {pairing.name}", pairing.name):
        for point in run_subject(pairing, record, workers.root, workers.limit):
            for exchange in exchanges:
                exchange.ask(point)
            if DEFINITION in record.references:
                define(record, point)
    return exchanges


def define(record: Record, point: Point) -> None:
    """Evaluate the definition at a point in NumPy, as the reference that it is."""
    state, batch = record.parameters[point], record.batch(point)
    found = computed(record.network, record.optimizer, state, batch)
    dtype = held_in(record.dtype)
    record.evaluations.setdefault(DEFINITION, {})[point] = mapped(
        {
            name: value if value.dtype.kind in "iu" else value.astype(dtype)
            for name in record.names(point)
            for value in [np.asarray(found[name])]
        }
    )


def renewed(exchanges: list[Exchange], worker: Worker) -> list[Exchange]:
    """The exchanges with that framework's lost worker go to the new one."""
    return [
        exchange.again(worker) if exchange.worker.framework == worker.framework else exchange
        for exchange in exchanges
    ]

"""Pairings: a network with its subject, twins, data and training recipe; how they are found."""

from __future__ import annotations

import contextlib
import datetime
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from backproof.comparison.record import DEFINITION
from backproof.implementations import frameworks
from backproof.implementations.host import processes, surroundings, watched
from backproof.implementations.subject import calling
from backproof.implementations.subject.declaration import Traits, traits_of, written
from backproof.mathematics.arithmetic.rounding.forms import LOGITS, Form
from backproof.mathematics.arithmetic.rounding.model import round_to
from backproof.mathematics.arithmetic.rounding.precision import Precision
from backproof.mathematics.checking import came, check_fields, quoted
from backproof.mathematics.errors import EvaluationError, UsageError, message, told
from backproof.mathematics.network import parameters as weights
from backproof.mathematics.network import quantities
from backproof.mathematics.network.masks import enough_samples, masked
from backproof.mathematics.network.network import Network
from backproof.mathematics.network.parameters import Batch, Parameters
from backproof.mathematics.optimizers import Optimizer
from backproof.mathematics.optimizers.gradient_descent import GradientDescent
from backproof.mathematics.places import called, definition, named, origin, place, project_of
from backproof.mathematics.probes.probes import PROBES, of_network

Subject = Callable[[Parameters, Batch], Mapping[str, Any]]
T = TypeVar("T")


@dataclass(frozen=True)
class Waiver:
    """A comparison that may differ until ``expires``, and why.

    ``comparison`` is ``reference/quantity/tensor``, as in "keras/gradient/dense_1/kernel". A waiver
    is strict: once every row that it names matches, or once it has expired, it is itself an error.
    """

    comparison: str
    reason: str
    expires: datetime.date

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True)
class Pairing:
    """What is compared: ``subject``, hand-written, against its twins, from the same start.

    ``subject(parameters, batch)`` returns arrays by name: ``activation/dense_1``, ``loss``,
    ``gradient/dense_1/kernel``, ``updated/dense_1/kernel`` (after one step of the optimizer),
    ``accuracy``, ``parameter_count``, ``parameter_count/dense_1``; all of those whose quantity is
    in ``quantities``. ``references`` names a model for each framework, "file.py:factory", relative
    to the project; None stands for a twin built from the network alone. ``data()`` and
    ``initial()`` give the batch and the start weights (or ``initial`` is a weights file).

    ``minibatch(data, step)`` cuts the batch of a training step from the data; without it each step
    takes all of them. ``points()`` gives further weights, by a name of their own, at which
    everything is compared on the data: those of a trained network, say. ``forms`` says who computes
    the loss of probabilities ("subject", "keras", …; else it is of logits); saturated probes,
    which only the logits bear, are then left out. ``recovered``: the subject hides its gradients
    in a step of gradient descent, and gives (W − updated W) / learning_rate for them.
    ``partial``: what the subject does not give at its first point is not compared, and the report
    says so; else it is an error. ``dtype``: its precision, where that is not the run's.
    ``precision``: what it stores and accumulates in; its bounds are then those of that. What an
    adapter declares of the subject counts as said here.
    """

    name: str
    network: Network
    subject: Subject
    data: Callable[[], Batch]
    initial: Callable[[], Mapping[str, Any]] | str
    optimizer: Optimizer
    references: Mapping[str, str | None] = field(
        default_factory=lambda: {"keras": None, "torch": None}
    )
    steps: int = 100
    quantities: tuple[str, ...] = quantities.ALL
    waivers: tuple[Waiver, ...] = ()
    minibatch: Callable[[Batch, int], Batch] | None = None
    points: Callable[[], Mapping[str, Mapping[str, Any]]] | None = None
    forms: Mapping[str, Form] = field(default_factory=dict)
    recovered: bool = False
    partial: bool = False
    dtype: str | None = None
    precision: Precision | None = None

    def __post_init__(self) -> None:
        check_fields(self)
        if self.steps < 1:
            raise UsageError(f"pairing {self.name}: steps is {self.steps}; give at least 1")
        if self.dtype not in (None, "float64", "float32"):
            raise UsageError(
                f"pairing {self.name}: dtype {self.dtype!r}: choose 'float64' or 'float32'"
            )
        if self.dtype is not None and self.traits.dtype not in (None, self.dtype):
            raise UsageError(
                f"pairing {self.name}: the subject computes in {self.traits.dtype}: leave "
                f"dtype={self.dtype!r} out"
            )
        self._take_over(self.traits)
        if self.network.input_gradient and self.quantities == quantities.ALL:
            object.__setattr__(self, "quantities", quantities.KNOWN)
        unknown = set(self.quantities) - set(quantities.KNOWN)
        if unknown:
            raise UsageError(
                f"pairing {self.name}: no quantity {sorted(unknown)[0]!r}; "
                f"there are {', '.join(quantities.KNOWN)}"
            )
        unknown = set(self.references) - {*frameworks.names(), DEFINITION}
        if unknown:
            raise UsageError(
                f"pairing {self.name}: no reference {sorted(unknown)[0]!r}; "
                f"there are {', '.join(frameworks.names())}"
            )

        if self.recovered and self.optimizer.name != "gradient_descent":
            raise UsageError(
                f"pairing {self.name}: gradients are recovered from a step of gradient descent, "
                f"not of {self.optimizer.name}: compare updated alone"
            )
        unknown = set(self.forms) - {"subject", *self.references}
        if unknown:
            raise UsageError(
                f"pairing {self.name}: forms names {sorted(unknown)[0]!r}; "
                f"there are subject, {', '.join(self.references)}"
            )
        for name, form in self.forms.items():
            if name != "subject" and self.references[name] is None and form.of != LOGITS.of:
                raise UsageError(
                    f"pairing {self.name}: forms gives {name} probabilities, but its twin is built "
                    "from the network, whose loss is of logits: name a model of your own"
                )

    @property
    def traits(self) -> Traits:
        """What the subject declares of itself, through its adapters."""
        return traits_of(self.subject)

    def _take_over(self, traits: Traits) -> None:
        """The form and the step that the subject declares are those of the pairing."""
        if traits.form != LOGITS:
            object.__setattr__(self, "forms", {"subject": traits.form, **self.forms})
        if traits.rate is None:
            return
        if self.optimizer != GradientDescent(traits.rate):
            raise UsageError(
                f"pairing {self.name}: the subject's gradients come from a step with learning rate "
                f"{traits.rate!r}, so the optimizer is GradientDescent({traits.rate!r}), not "
                f"{self.optimizer}"
            )
        object.__setattr__(self, "recovered", True)

    def narrowed(self, references: Iterable[str]) -> Pairing:
        """The pairing with some of its references, and without the waivers of the others.

        A waiver that names no comparison of the run is an error, and those would name none.
        """
        kept = {name: model for name, model in self.references.items() if name in references}
        others = self.references.keys() - kept.keys()
        waivers = tuple(w for w in self.waivers if w.comparison.split("/")[0] not in others)
        forms = {name: form for name, form in self.forms.items() if name not in others}
        return replace(self, references=kept, waivers=waivers, forms=forms)

    def in_both(self) -> list[Pairing]:
        """The pairing in float64, and in float32 under a name that says so.

        One whose subject knows only one precision, or that names its own, stays as it is.
        """
        if self.dtype is not None or self.traits.dtype is not None:
            return [self]
        narrow = replace(self, name=f"{self.name} (float32)", dtype="float32")
        return [replace(self, dtype="float64"), narrow]

    def against(self, references: Iterable[str]) -> Pairing:
        """The pairing with exactly these references; one that it does not name is built."""
        chosen = {name: self.references.get(name) for name in references}
        return replace(self, references={**self.references, **chosen}).narrowed(chosen)

    @property
    def subject_name(self) -> str:
        """Where the subject is written: its module and name."""
        subject = self.subject
        name = getattr(subject, "__qualname__", type(subject).__qualname__)
        return f"{getattr(subject, '__module__', type(subject).__module__)}.{name}"

    @property
    def subject_place(self) -> str:
        """File and line where the subject is written; empty if it is no Python code."""
        found = None if self.traits.recorded else definition(written(self.subject))
        return "" if found is None else named(*found)

    @property
    def subject_calls(self) -> tuple[str, ...]:
        """What it calls that is written in other files: ``Xor (scratch/xor.py:47)``."""
        found = [] if self.traits.recorded else called(written(self.subject))
        return tuple(f"{name} ({named(file, line)})" for name, file, line in found)

    def start(self, root: Path, dtype: str, limit: float | None = None) -> tuple[Batch, Parameters]:
        """The data and the initial parameters in ``dtype``, checked.

        ``limit``: the seconds that each function of the user's may take, here and below.
        """
        batch = self._call("data", self.data, limit)
        if not isinstance(batch, Batch):
            raise UsageError(
                f"pairing {self.name}: data() returned {type(batch).__name__}; return a Batch"
            )
        batch = batch.astype(dtype)
        network = self.network
        for what, found, wanted in (
            ("inputs", batch.inputs.shape[1:], network.input_shape),
            ("targets", batch.targets.shape[1:], network.output_shape),
        ):
            if found != wanted:
                raise UsageError(
                    f"pairing {self.name}: the data have {what} (samples, "
                    f"{', '.join(map(str, found))}), the network wants (samples, "
                    f"{', '.join(map(str, wanted))})"
                )
        batch = self._fitting(batch, "data")
        wrong = network.unfit(batch.inputs)
        wrong = wrong or network.loss_function.check_targets(
            batch.targets.reshape(-1, network.outputs)
        )
        if wrong:
            raise UsageError(f"pairing {self.name}: {wrong}")
        if isinstance(given := self.initial, str):
            initial = weights.load(root / given, network)
        else:
            # Reading what it gave is a call of it, too: a mapping is the user's own code.
            source = f"pairing {self.name}"
            initial = self._call(
                "initial",
                lambda: weights.check(calling.plain(given()), network, source=source),
                limit,
                given,
            )
        return batch, {name: round_to(array, dtype) for name, array in initial.items()}

    def further(self, dtype: str, limit: float | None = None) -> dict[str, Parameters]:
        """The further weights in ``dtype``, checked, by name."""
        if self.points is None:
            return {}
        points = self.points
        found: dict[str, Parameters] = self._call(
            "points", lambda: self._checked(calling.plain(points())), limit, points
        )
        own = {"data", *PROBES, *(name for name, _ in of_network(self.network))}
        taken = own & set(found)
        if taken:
            raise UsageError(
                f"pairing {self.name}: points() calls one {sorted(taken)[0]!r}, as a point of "
                "backproof's own is called; give it another name"
            )
        return {
            name: {key: round_to(array, dtype) for key, array in parameters.items()}
            for name, parameters in found.items()
        }

    def _checked(self, given: object) -> dict[str, Parameters]:
        """What points() gave, if it is parameters by name."""
        if not isinstance(given, Mapping) or not all(isinstance(name, str) for name in given):
            raise UsageError(
                f"pairing {self.name}: points() returned {came(given)}; return a dict of "
                "parameters by name"
            )
        return {
            name: weights.check(
                parameters, self.network, source=f"pairing {self.name}, points()[{quoted(name)}]"
            )
            for name, parameters in given.items()
        }

    def cut(self, data: Batch, step: int, limit: float | None = None) -> Batch:
        """The batch of a training step."""
        if self.minibatch is None:
            return data
        minibatch = self.minibatch
        batch = self._call("minibatch", lambda: minibatch(data, step), limit, minibatch)
        if not isinstance(batch, Batch):
            raise UsageError(
                f"pairing {self.name}: minibatch() returned {type(batch).__name__}; return a Batch"
            )
        return self._fitting(batch.astype(data.inputs.dtype.name), f"data@{step}")

    def _fitting(self, batch: Batch, label: str) -> Batch:
        """With the masks that the network wants, and samples enough; raises if they do not fit."""
        who = f"pairing {self.name}: the batch"
        enough_samples(self.network, len(batch.inputs), who)
        return masked(self.network, batch, label, who)

    @property
    def saturates(self) -> bool:
        """Whether every implementation bears saturated units: those that start from logits do."""
        return all(form.of == LOGITS.of for form in self.forms.values())

    def _call(
        self,
        name: str,
        function: Callable[[], Any],
        limit: float | None,
        users: Callable[..., Any] | None = None,
    ) -> Any:
        """Call user code; what it raises becomes a `UsageError` that says where.

        ``users``: the user's own function, where ``function`` is one of ours around it. Raises
        `EvaluationError` if it hangs, or wants to exit.
        """
        who = f"pairing {self.name}: {name}()"
        with watched.doing(f"calling {name}() of {self.name}", self.name, limit):
            value, error = calling.attempt(function, limit, who)
        if error is None:
            return value
        if isinstance(error, UsageError):
            raise error
        raise UsageError(f"{who} raised {told(error, users or function)}") from error


@dataclass(frozen=True)
class Broken:
    """A pairing, or a file of pairings, that could not be loaded, and why.

    ``ended``: it hung, or ended the run or wanted to, which is no matter of how it is written.
    """

    what: str
    reason: str
    ended: bool = False

    @property
    def note(self) -> str:
        """What a report says of it."""
        return f"{'no verdict' if self.ended else 'not loaded'}: {self.reason}"


def all_ended(broken: Iterable[Broken]) -> bool:
    """Whether these are no matter of how something is written: exit status 3, and not 2."""
    every = [each.ended for each in broken]
    return bool(every) and all(every)


def project_root(path: Path) -> Path:
    """The folder that holds ``comparisons/``: it goes on the import path and names the models."""
    path = path.resolve()
    return project_of(path) or (path if path.is_dir() else path.parent)


def files(paths: Iterable[Path]) -> list[Path]:
    """The Python files that may hold pairings: those named, and those in the folders named."""
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            found += sorted(p for p in path.glob("*.py") if may_hold_pairings(p) and may_be_read(p))
        elif path.is_file():
            found.append(path)
        else:
            raise UsageError(f"{path}: no such file or folder; name a pairing file or its folder")
    return found


def may_hold_pairings(path: Path) -> bool:
    """Whether a file in a folder of pairings is one of them, by its name."""
    return path.name != "conftest.py" and not path.name.startswith(("_", "test_"))


def may_be_read(path: Path) -> bool:
    """Whether it is a file, or a link that leads nowhere: that is told, and never left out."""
    return path.is_symlink() or path.is_file()


def load_all(
    paths: Iterable[Path], limit: float = watched.TIME_LIMIT
) -> tuple[list[Pairing], list[Broken]]:
    """Every pairing of the files and folders named, and the files that could not be loaded.

    ``limit``: the seconds that each file may take, in a process that is guarded.
    """
    pairings: list[Pairing] = []
    broken: list[Broken] = []
    here = Path.cwd()
    for path in files(paths):
        with contextlib.suppress(OSError):
            os.chdir(here)  # where the file before may have left
        try:
            pairings += load(path, limit)
        except (UsageError, EvaluationError) as error:
            broken.append(Broken(str(path), str(error), isinstance(error, EvaluationError)))
    twice = sorted({p.name for p in pairings if [q.name for q in pairings].count(p.name) > 1})
    if twice:
        raise UsageError(f"several pairings are called {', '.join(twice)}: give each its own name")
    return pairings, broken


def load(path: Path, limit: float = watched.TIME_LIMIT) -> list[Pairing]:
    """The pairings that a file defines at its top level."""
    return objects(path, Pairing, limit)


def objects(path: Path, kind: type[T], limit: float = watched.TIME_LIMIT) -> list[T]:
    """Everything of a kind that a file of the project defines at its top level.

    `UsageError` for one that cannot be loaded, `EvaluationError` for one that wants to exit, or
    has ended a former run.
    """
    watched.refuse(str(path))
    try:
        root = project_root(path)
    except (OSError, RuntimeError) as error:  # a link to itself; a folder that was removed
        raise UsageError(f"{path}: it cannot be read ({told(error)})") from error
    if str(root) not in sys.path:
        sys.path.insert(0, str(root))
    try:
        with (
            watched.doing(f"loading {path}", str(path), limit),
            processes.kept_alive(),
            surroundings.put_back(),
        ):
            module = _import(path, root)
    except SystemExit as error:
        raise EvaluationError(
            f"{place(error)}: wanted to exit with {error.code!r} while {path} was loaded; what is "
            'only for a run of its own stands behind if __name__ == "__main__"'
        ) from error
    except BaseException as error:  # a pairing file is user code
        watched.let_through(error)
        raise UsageError(not_loaded(path, error)) from error
    found = list(vars(module).values())
    if any(type(each).__qualname__ == kind.__qualname__ and is_other(each, kind) for each in found):
        raise UsageError(
            f"{path}: its {kind.__name__} is of another backproof, for the modules of this one "
            "were replaced; leave sys.modules alone, and have one backproof on the path"
        )
    top = [value for value in found if isinstance(value, kind)]
    inside = [each for value in found for each in members(value) if isinstance(each, kind)]
    if any(all(each is not known for known in top) for each in inside):
        raise UsageError(
            f"{path}: a {kind.__name__} lies in a collection, where none is looked for: give each "
            "a name of its own at the top level"
        )
    return top


def members(value: object) -> Iterable[object]:
    """What a plain collection holds."""
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list | tuple | set | frozenset) else ()


def is_other(value: object, kind: type) -> bool:
    """Whether something is of a class that has only the name of that kind."""
    return type(value).__module__ == kind.__module__ and not isinstance(value, kind)


def not_loaded(path: Path, error: BaseException) -> str:
    """Why a file cannot be loaded: where the error is, be it in the file or in what it imports."""
    file, line = origin(error) or (str(path), 1)
    said = message(error)
    what = said if isinstance(error, SyntaxError) else f"{type(error).__name__}: {said}"
    if Path(file).resolve() == path.resolve():
        return f"{path}:{line}: {what}"
    return f"{place(error)}: {what}; so {path} cannot be loaded"


def _import(path: Path, root: Path) -> Any:
    """By path, whatever else is called like it; named as its place in the project says."""
    resolved = path.resolve()
    inside = resolved.is_relative_to(root)
    parts = resolved.relative_to(root).with_suffix("").parts if inside else (resolved.stem,)
    return frameworks.load_file(resolved, ".".join(parts))

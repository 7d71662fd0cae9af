"""`audit`: watches comparisons within a tolerance while it is on, and changes no outcome."""

from __future__ import annotations

import functools
import sys
import threading
from collections.abc import Callable, Iterable
from math import prod
from types import FrameType, ModuleType
from typing import Any

from backproof.faces.audit.functions import BUILTIN, FUNCTIONS, Watched, arguments, of_pytest
from backproof.faces.audit.seen import Tolerance, look
from backproof.faces.audit.sites import VERDICTS, Site
from backproof.mathematics.places import is_users
from backproof.reports.harmless import printable

# Of each line, so many calls are looked at, and then each one whose number is a power of two.
FIRST_CALLS = 8
OF_PYTEST = "pytest's approx"
# Larger arrays are looked at in their first calls alone.
LARGE = 1_000_000


def imported(name: str) -> ModuleType | None:
    """A module that is imported, be it under another name: TensorFlow's are attributes alone."""
    first, *parts = name.split(".")
    found: Any = sys.modules.get(name) or sys.modules.get(first)
    if name not in sys.modules:
        for part in parts:
            found = vars(found).get(part) if isinstance(found, ModuleType) else None
    return found if isinstance(found, ModuleType) else None


class Audit:
    """What the comparisons of a block or a test session could not have seen, line by line."""

    def __init__(self) -> None:
        self.sites: dict[tuple[str, int, str, str], Site] = {}
        self._put_back: list[Callable[[], None]] = []
        self._wrappers: dict[int, Any] = {}
        self._known: dict[tuple[str, str], Any] = {}
        self._bound: set[str] = set()
        self._inside = threading.local()
        self._users: dict[str, bool] = {}
        self._classes: dict[Any, type] = {}
        self._calls: dict[tuple[str, int, str], int] = {}
        """By line and function, how often it was called."""
        self._last: dict[tuple[str, int, str], Site] = {}
        self.on = False

    def __enter__(self) -> Audit:
        self.start()
        for module in list(sys.modules.values()):
            if is_users(getattr(module, "__file__", None) or "<frozen"):
                self.bind(module)
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Watch every function whose module is imported; again, those that were imported since."""
        self.on = True
        if "numpy" in sys.modules:
            import numpy.testing  # noqa: F401 (it is loaded when it is first asked for: too late)
        for each in FUNCTIONS:
            module, key = imported(each.module), (each.module, each.name)
            if module is None or key in self._known or not hasattr(module, each.name):
                continue
            original = getattr(module, each.name)
            self._known[key] = original
            self._wrap(module, each.name, original, self._watching(each, original))
        pytest = sys.modules.get("pytest")
        if pytest is not None and ("pytest", "approx") not in self._known:
            self._known["pytest", "approx"] = pytest.approx
            self._wrap(pytest, "approx", pytest.approx, self._approximating(pytest.approx))

    def stop(self) -> None:
        """Put every function back."""
        self.on = False
        for each in reversed(self._put_back):
            each()
        self._put_back.clear()
        self._wrappers.clear()
        self._known.clear()
        self._bound.clear()

    def bind(self, module: ModuleType) -> None:
        """Watch what a module has imported by name before it was watched."""
        if module.__name__ in self._bound:
            return
        self._bound.add(module.__name__)
        for name, value in list(vars(module).items()):
            found = self._wrappers.get(id(value))
            if found is not None and found[0] is value:
                self._wrap(module, name, value, found[1])

    def _wrap(self, module: ModuleType, name: str, original: Any, wrapper: Any) -> None:
        setattr(module, name, wrapper)
        self._wrappers[id(original)] = (original, wrapper)
        self._put_back.append(lambda: setattr(module, name, original))

    def _watching(self, each: Watched, original: Callable[..., Any]) -> Callable[..., Any]:
        """The function, which is looked at as it is called from a user's own code."""
        function = f"{each.home}'s {each.name}"
        builtin = dict(BUILTIN.get((each.module, each.name), ()))

        @functools.wraps(original)
        def watched(*given: Any, **named: Any) -> Any:
            __tracebackhide__ = True  # pytest then shows the caller
            frame = sys._getframe(1)
            if not self._looks_at(frame, function):
                return original(*given, **named)
            try:
                if builtin:
                    values = {**builtin, **dict(zip(builtin, given, strict=False)), **named}
                else:
                    values = arguments(original, given, named)
                compared = each.read(values)
            except Exception:  # it is the function's own to refuse what it is called with
                return original(*given, **named)
            self._note(frame, function, *compared)
            return original(*given, **named)

        return watched

    def _approximating(self, original: Callable[..., Any]) -> Callable[..., Any]:
        """pytest.approx, whose comparison is looked at when it is made."""

        @functools.wraps(original)
        def approx(*given: Any, **named: Any) -> Any:
            made = original(*given, **named)
            if not self._looks_at(sys._getframe(1), OF_PYTEST):
                return made
            known = arguments(original, given, named)
            try:
                made.__class__ = self._seen_class(type(made))
                made.audited = known["expected"], of_pytest(known)
            except (TypeError, ValueError):  # it is pytest's own to refuse it, when it compares
                return made
            return made

        return approx

    def _seen_class(self, kind: Any) -> type:
        """The class of what pytest.approx has made, with a comparison that is looked at."""

        def equals(own: Any, actual: Any) -> Any:
            frame = sys._getframe(1)
            if self.on and self._is_users(frame):
                expected, tolerance = own.audited
                self._note(frame, OF_PYTEST, *by_keys(actual, expected), tolerance)
            return kind.__eq__(own, actual)

        if kind not in self._classes:
            methods = {"__eq__": equals, "__hash__": None}
            self._classes[kind] = type(kind.__name__, (kind,), methods)
        return self._classes[kind]

    def _is_users(self, frame: FrameType) -> bool:
        file = frame.f_code.co_filename
        if file not in self._users:
            self._users[file] = is_users(file)
        return self._users[file]

    def _looks_at(self, frame: FrameType, function: str) -> bool:
        """Whether a call is looked at: of a user's own, unless its line was looked at often."""
        if not self.on or not self._is_users(frame) or getattr(self._inside, "noting", False):
            return False
        line = (frame.f_code.co_filename, frame.f_lineno, function)
        calls = self._calls[line] = self._calls.get(line, 0) + 1
        if calls <= FIRST_CALLS or not calls & (calls - 1):
            return True
        if line in self._last:
            self._last[line].calls += 1
        return False

    def _note(
        self, frame: FrameType, function: str, actual: Any, expected: Any, tolerance: Tolerance
    ) -> None:
        """Look at a call."""
        key = (frame.f_code.co_filename, frame.f_lineno, function, tolerance.told)
        site = self.sites.get(key)
        if site is None:
            site = self.sites[key] = Site(*key)
        self._last[key[:3]] = site
        site.calls += 1
        if site.calls > 1 and count_of(actual) > LARGE:
            return
        self._inside.noting = True
        try:
            seen = look(actual, expected, tolerance)
        except Exception:  # an audit that fails must not fail the test
            seen = None
        finally:
            self._inside.noting = False
        if seen is not None:
            site.add(seen)

    def found(self) -> list[Site]:
        """Every line that compared numbers, the blindest first."""
        known = [site for site in self.sites.values() if site.looked]
        return sorted(known, key=lambda s: (VERDICTS.index(s.verdict), -s.sure, s.file, s.line))

    def take(self, told: Iterable[dict[str, Any]]) -> None:
        """Take over what another process has seen, as `Site.to_json` told it."""
        for each in told:
            site = Site.from_json(each)
            key = (site.file, site.line, site.function, site.tolerance)
            if key in self.sites:
                self.sites[key].join(site)
            else:
                self.sites[key] = site

    @property
    def text(self) -> str:
        """What was found, line by line, the blindest first."""
        every = self.found()
        if not every:
            return "no comparison within a tolerance was seen"
        counts = ", ".join(
            f"{sum(site.verdict == verdict for site in every)} {verdict}" for verdict in VERDICTS
        )
        lines = [f"{len(every)} lines compare: {counts}"]
        lines += [f"{site.place} {site.verdict}: {site.told}" for site in every]
        return "\n".join(printable(line) for line in lines)

    def __repr__(self) -> str:
        return f"<Audit: {self.text.partition(chr(10))[0]}>"

    def __str__(self) -> str:
        return self.text


def count_of(array: Any) -> int:
    """How many numbers an array has; 0 of what does not say so."""
    shape = getattr(array, "shape", ())
    return prod(shape) if isinstance(shape, tuple) else 0


def by_keys(actual: Any, expected: Any) -> tuple[Any, Any]:
    """The numbers that approx compares, of dicts those under the same keys."""
    if isinstance(expected, dict) and isinstance(actual, dict):
        keys = [key for key in expected if key in actual]
        return [actual[key] for key in keys], [expected[key] for key in keys]
    return actual, expected


def audit() -> Audit:
    """Watch comparisons within a tolerance, in a ``with`` block; ``print`` what was found.

    Of NumPy (``testing``, ``allclose``, ``isclose``), PyTorch, JAX, TensorFlow, ``pytest.approx``,
    ``math.isclose``, as far as they are imported; called from your own code. For each line: the
    smallest error that it is sure to see, what the data show, arrays compared with themselves,
    zeros, NaN that is taken as equal, which planted errors pass. No outcome is changed.
    """
    return Audit()

"""What all tests share: the frameworks' workers, interrupts, and which process runs which test."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from tests.same_points import Known, kept_in
from tests.workers import Shared, sharing

# Files whose tests share Keras's and JAX's workers, which take the longest to start: one process of
# pytest-xdist gets them all.
TOGETHER = (
    *("test_clipped", "test_conventions", "test_forgetting", "test_fuzzing", "test_kinks"),
    *("test_kinks_of_units", "test_large_network", "test_logistic_slopes", "test_mutation"),
    *("test_optimizers", "test_single_softmax", "test_stock_layers", "test_train"),
    *("test_twins_of_graphs", "test_twins_of_layers", "test_twins_of_networks"),
    *("test_twins_of_probabilities", "test_who_is_wrong"),
)
# Files whose tests share nothing that is costly: a process of pytest-xdist gets them one by one.
APART = ("test_diagnosis", "test_init")


@pytest.fixture(scope="session")
def shared() -> Iterator[Shared]:
    """Workers of frameworks, to be had by name and dtype: ``shared("keras", dtype="float32")``."""
    with sharing() as given:
        yield given


@pytest.fixture
def shared_by_the_face(shared: Shared, monkeypatch: pytest.MonkeyPatch) -> None:
    """`backproof.verify` asks the shared workers, where the ones that it keeps are not tested."""
    monkeypatch.setattr(
        "backproof.faces.kept.kept_workers",
        lambda names, dtype, root, limit: shared(*names, dtype=dtype),
    )


@pytest.fixture(scope="session")
def known_spreads() -> Known:
    """What `same_points` keeps."""
    return {}


@pytest.fixture
def same_points(known_spreads: Known) -> Iterator[None]:
    """Of all subjects that are judged at a point the spreads are computed once a session."""
    with kept_in(known_spreads):
        yield


def pytest_configure() -> None:
    """Heed interrupts: what runs in a script's background ignores them, and all that it starts.

    Likewise the end of a terminal, which `nohup` has ignored.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    hung_up = getattr(signal, "SIGHUP", None)  # Windows has none
    if hung_up is not None and signal.getsignal(hung_up) is signal.SIG_IGN:
        signal.signal(hung_up, signal.SIG_DFL)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest goes first: then no process is left alone with it in the end."""
    total: Counter[str] = Counter()
    for item in items:
        mark = item.get_closest_marker("slow")
        total[group(item.nodeid)] += mark.args[0] if mark else 0
    items.sort(key=lambda item: -total[group(item.nodeid)])


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Tests that share what is costly to make are run by one process, which makes it once."""
    from xdist.scheduler import LoadScopeScheduling

    class ByGroup(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return group(nodeid)

    config.option.loadscopereorder = False  # our own order is kept
    return ByGroup(config, log)


def group(nodeid: str) -> str:
    """The tests that one process runs together: those of a file, of several, or one alone."""
    file = nodeid.partition("::")[0]
    name = file.rpartition("/")[2].removesuffix(".py")
    return "workers" if name in TOGETHER else nodeid if name in APART else file

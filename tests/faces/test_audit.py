"""The audit: it tells blind comparisons from sound ones, and changes no outcome."""

from __future__ import annotations

import math
import re
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from _pytest.pytester import RunResult
from numpy.testing import assert_allclose as bound_before

import backproof
from backproof.faces.audit.auditing import Audit
from backproof.faces.audit.functions import FUNCTIONS
from backproof.faces.audit.sites import Site
from tests.faces.plugin_project import PLUGINS, backproof_alone, environment

pytest_plugins = ["pytester"]

RNG = np.random.default_rng(3)
X = RNG.normal(size=(4, 5))
Y = X * (1 + 1e-15)


def only(act: Callable[[], Any]) -> Site:
    with backproof.audit() as audit:
        act()
    (site,) = audit.found()
    return site


@pytest.mark.parametrize(
    ("act", "said"),
    [
        (lambda: np.testing.assert_allclose(X, Y, atol=10), "with the other sign, the largest"),
        (lambda: bound_before(X, Y, atol=10), "sure to see errors above"),
        (lambda: np.testing.assert_allclose(X, X), "an array is compared with itself"),
        (lambda: np.testing.assert_allclose(X, X[:]), "an array is compared with itself"),
        (lambda: np.allclose(np.zeros(3), np.zeros(3)), "zeros against zeros"),
        (lambda: np.allclose(np.zeros(0), np.zeros(0)), "both are empty"),
        (lambda: np.testing.assert_almost_equal(X, Y, decimal=-1), "(decimal=-1)"),
        (lambda: pytest.approx(Y, abs=5) == X, "pytest's approx(rel=0, abs=5)"),
        (lambda: math.isclose(1.0, 1.5, rel_tol=0.5), "math's isclose"),
        (lambda: np.testing.assert_array_equal(X, X), "an array is compared with itself"),
    ],
)
def test_what_shows_nothing_is_said(act: Callable[[], Any], said: str) -> None:
    site = only(act)
    assert site.verdict == "shows nothing"
    assert said in site.told


@pytest.mark.parametrize(
    ("act", "said"),
    [
        (lambda: np.allclose(X, Y), "sure to see errors above 1e-05"),
        (lambda: np.allclose(np.ones((3, 1)), np.ones(3)), "shapes (3, 1) and (3,) are broadcast"),
        (lambda: np.allclose(np.ones(3), np.ones(3), 0, 0), "every element is the same number"),
        (lambda: bound_before([np.nan, 1.0], [np.nan, 1.0], rtol=1e-12), "NaN is taken as equal"),
        (lambda: pytest.approx({"a": 1.0}) == {"a": 1.0 + 1e-9}, "rel=1e-06, abs=1e-12"),
        (lambda: np.isclose(np.float32(X), np.float32(Y), 1e-2), "1 % off"),
    ],
)
def test_what_is_weak_is_said(act: Callable[[], Any], said: str) -> None:
    site = only(act)
    assert site.verdict == "weak"
    assert said in site.told


@pytest.mark.parametrize(
    "act",
    [
        lambda: np.testing.assert_allclose(X, Y, rtol=1e-12),
        lambda: np.allclose(X, Y, rtol=1e-10, atol=0),
        lambda: np.testing.assert_array_equal(X, X.copy()),
        lambda: pytest.approx(1.0, rel=1e-12) == 1.0 + 1e-14,
        lambda: np.allclose(np.float32(X), np.float32(Y), rtol=1e-6, atol=0),
    ],
)
def test_what_is_sound_is_left_alone(act: Callable[[], Any]) -> None:
    site = only(act)
    assert site.verdict == "sound", site.told
    assert "planted" not in site.told


@pytest.mark.slow(6)
def test_pytorch_and_jax_are_watched() -> None:
    import jax.numpy as jnp
    import torch

    t, u = torch.tensor(X), torch.tensor(Y)
    for act, verdict in (
        (lambda: torch.testing.assert_close(t, u), "weak"),
        (lambda: torch.testing.assert_close(t, u, rtol=1e-12, atol=0), "sound"),
        (lambda: torch.testing.assert_close(t, t), "shows nothing"),
        (lambda: torch.allclose(t, u, atol=100), "shows nothing"),
        (lambda: torch.isclose(t, u, atol=100), "shows nothing"),
        (lambda: torch.equal(t, t.detach()), "shows nothing"),
        (lambda: jnp.allclose(jnp.asarray(X), jnp.asarray(Y), atol=100), "shows nothing"),
    ):
        assert only(act).verdict == verdict


@pytest.mark.slow(8)
def test_tensorflow_is_watched() -> None:
    import tensorflow as tf

    t, u = tf.constant(X), tf.constant(Y)
    near, close = tf.debugging.assert_near, tf.experimental.numpy.allclose
    for act, verdict in (
        (lambda: tf.debugging.assert_near(t, u), "sound"),
        (lambda: tf.debugging.assert_near(t, u, rtol=1e-3, atol=0.0), "weak"),
        (lambda: tf.debugging.assert_near(t, u, atol=tf.constant(100.0, tf.float64)), "shows"),
        (lambda: tf.debugging.assert_near(t, t), "shows nothing"),
        (lambda: tf.experimental.numpy.allclose(t, u, atol=100), "shows nothing"),
    ):
        assert only(act).verdict.startswith(verdict)
    assert tf.debugging.assert_near is near
    assert tf.experimental.numpy.allclose is close


def test_a_line_is_judged_by_all_of_its_calls() -> None:
    def act() -> None:
        for scale in range(50):
            np.testing.assert_allclose(scale * X, scale * Y, rtol=1e-12)

    site = only(act)
    assert site.calls == 50
    assert site.looked < 15
    assert site.verdict == "weak"
    assert f"zeros against zeros (1 of {site.looked} calls)" in site.told


def test_no_outcome_is_changed() -> None:
    """What is returned and raised, to the letter; and every function is put back."""
    before = [
        getattr(sys.modules[each.module], each.name)
        for each in FUNCTIONS
        if each.module in sys.modules
    ]
    approx = pytest.approx

    def outcomes() -> list[Any]:
        found: list[Any] = [np.allclose(X, 2 * X), np.isclose(X, Y), math.isclose(1, 2)]
        found += [pytest.approx(Y) == X, pytest.approx(2.0) == 1.0, repr(pytest.approx(1.0))]
        found += [pytest.approx({"a": 1}) == {"a": 1}, pytest.approx([1, 3]) != [1, 2]]
        for act in (
            lambda: np.testing.assert_allclose(X, 2 * X),
            lambda: np.testing.assert_allclose(X, X[:2]),
            lambda: np.testing.assert_allclose(X),
            lambda: np.testing.assert_allclose("a", X),
            lambda: np.allclose(X, Y, nonsense=1),
            lambda: pytest.approx(1.0, rel=-1.0) == 1.0,
            lambda: pytest.approx([[1.0]]) == 1.0,
        ):
            try:
                found.append(act())
            except BaseException as error:
                found.append((type(error), str(error)))
        return found

    plain = outcomes()
    with backproof.audit():
        audited = outcomes()
    assert len(plain) == len(audited)
    for one, other in zip(plain, audited, strict=True):
        assert type(one) is type(other)
        assert np.array_equal(one, other) if isinstance(one, np.ndarray) else one == other
    after = [
        getattr(sys.modules[each.module], each.name)
        for each in FUNCTIONS
        if each.module in sys.modules
    ]
    assert all(one is other for one, other in zip(before, after, strict=True))
    assert pytest.approx is approx


def test_a_wrapper_that_is_kept_watches_no_more() -> None:
    with backproof.audit() as audit:
        kept = np.testing.assert_allclose
    kept(X, Y)
    assert not audit.found()
    assert str(audit) == "no comparison within a tolerance was seen"


def test_what_libraries_compare_among_themselves_is_not_told() -> None:
    with backproof.audit() as audit:
        np.testing.assert_array_almost_equal_nulp(X, X.copy())
        np.testing.assert_approx_equal(1.0, 1.0)
    assert not audit.found()


STYLES = {
    "test_identity.py": """
        import numpy as np

        def gradient(x):
            return 2 * x

        def test_it():
            x = np.arange(1.0, 5.0)
            g = gradient(x)
            np.testing.assert_allclose(g, g)
    """,
    "test_large_atol.py": """
        from numpy.testing import assert_allclose
        import numpy as np

        def test_it():
            x = 1e-3 * np.arange(1.0, 5.0)
            assert_allclose(2 * x, x + x, atol=1.0)
    """,
    "test_sound.py": """
        import numpy as np
        import pytest

        def test_it():
            x = np.arange(1.0, 5.0)
            assert np.allclose(2 * x, x + x * (1 + 1e-15), rtol=1e-12, atol=0)
            assert 0.1 + 0.2 == pytest.approx(0.3, rel=1e-12)
    """,
    "test_fails.py": """
        import numpy as np

        def test_it():
            np.testing.assert_allclose(np.ones(2), np.arange(2.0))
    """,
}


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return environment(backproof_alone(tmp_path_factory.mktemp("backproof")))


@pytest.fixture
def run_pytest(
    pytester: pytest.Pytester, alone: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., RunResult]:
    """Pytest with this plugin and xdist, in a process of its own."""
    for name, value in alone.items():
        monkeypatch.setenv(name, value)
    return lambda *given: pytester.runpytest_subprocess(*PLUGINS, *given, timeout=120)


@pytest.mark.parametrize("processes", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_three_styles_are_told_apart(
    pytester: pytest.Pytester, run_pytest: Callable[..., RunResult], processes: tuple[str, ...]
) -> None:
    for name, text in STYLES.items():
        (pytester.path / name).write_text(textwrap.dedent(text))
    done = run_pytest(*processes, "--backproof-audit")
    done.assert_outcomes(passed=3, failed=1)
    said = {
        found[1]: found[2]
        for line in done.outlines
        if (found := re.match(r"(test_\w+\.py):\d+ (shows nothing|weak|sound): ", line))
    }
    assert said["test_identity.py"] == said["test_large_atol.py"] == "shows nothing"
    assert said["test_sound.py"] == "sound"
    # The failure points at the test, as without.
    assert any(line.startswith("test_fails.py:5: AssertionError") for line in done.outlines)


def test_without_the_option_nothing_is_watched(
    pytester: pytest.Pytester, run_pytest: Callable[..., RunResult]
) -> None:
    (pytester.path / "test_it.py").write_text(textwrap.dedent(STYLES["test_identity.py"]))
    done = run_pytest()
    done.assert_outcomes(passed=1)
    assert not any("audit" in line for line in done.outlines)


def test_an_audit_that_fails_fails_no_test(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*given: object) -> None:
        raise RuntimeError("no luck")

    monkeypatch.setattr("backproof.faces.audit.auditing.look", fails)
    with backproof.audit() as audit:
        np.testing.assert_allclose(X, Y)
    assert not audit.found()


def test_what_another_process_saw_is_joined(tmp_path: Path) -> None:
    one, other = Audit(), Audit()
    for audit, scale in ((one, 1.0), (other, 0.0)):
        with audit:
            for _ in range(2):
                np.testing.assert_allclose(scale * X, scale * Y, rtol=1e-12)
    one.take(site.to_json() for site in other.found())
    (site,) = one.found()
    assert (site.calls, site.verdict) == (4, "weak")
    assert site.oddities == {"zeros against zeros": 2}

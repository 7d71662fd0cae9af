"""What the blind set has shown once stays so; `python -m tests.gauging.blind` scores the whole."""

import tomllib

import pytest

from tests.gauging.blind.__main__ import GRADES, READ, WRONG, judged, programs
from tests.gauging.blind.recorded import OWN, verdict


@pytest.fixture(scope="module")
def workers():
    kept = {}
    yield kept
    for each in kept.values():
        each.__exit__()


def judge(folder, name, workers):
    ((_, module),) = programs(folder, [name])
    return judged(module, workers)


@pytest.mark.parametrize("name", ["bce_signed_margin", "jax_nn_relu_l1", "longdouble_inside"])
def test_a_right_program_without_outputs_or_with_wider_numbers_matches(name, workers):
    assert judge("right", name, workers)[0] == "MATCH"


def test_a_run_that_ends_in_nan_is_judged_all_the_same(workers):
    status, sentence = judge("wrong", "rmsprop_old_mean_square", workers)
    assert status == "MISMATCH"
    assert "fault of backproof" not in sentence


def test_every_grade_is_of_a_program_and_one_that_is_known():
    names = {name for folder in WRONG for name, _ in programs(folder, [])}
    for file in (READ, OWN):
        read = tomllib.loads(file.read_text(encoding="utf-8"))
        assert read.keys() <= names
        assert {each["grade"] for each in read.values()} <= set(GRADES)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("adam_absolute_gradient", "the new second moment is 0.999 * v + 0.001 * abs(g)"),
        ("learning_rate_twice", "in dense_1/kernel: the step takes off rate * 0.1 * g"),
        ("leaky_slopes_exchanged", "the slope is where(z > 0, 0.1, 1)"),
    ],
)
def test_numbers_that_stand_nowhere_are_read_of_one_recorded_batch(name, told):
    """No other point confirms them, but all elements do."""
    ((_, module),) = programs("wrong", [name])
    kind, sentence = verdict(module)
    assert kind == "caught"
    assert told in sentence


def test_what_a_batch_does_not_show_is_unseen():
    ((_, module),) = programs("wrong", ["softplus_linear_above_twenty"])
    assert verdict(module)[0] == "unseen"

"""What the blind set has shown once stays so; `python -m tests.gauging.blind` scores the whole."""

import tomllib

import pytest

from tests.gauging.blind.__main__ import GRADES, READ, WRONG, judged, programs


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
    read = tomllib.loads(READ.read_text(encoding="utf-8"))
    names = {name for folder in WRONG for name, _ in programs(folder, [])}
    assert read.keys() <= names
    assert {each["grade"] for each in read.values()} <= set(GRADES)

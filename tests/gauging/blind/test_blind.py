"""What the blind set has shown once stays so; `python -m tests.gauging.blind` scores the whole."""

import tomllib

import pytest

from tests.gauging.blind.__main__ import GRADES, READ, WRONG, judged, programs
from tests.gauging.blind.contracted import contracted
from tests.gauging.blind.recorded import OWN, verdict
from tests.halves import slow_but


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


# What is read of programs that were written before it could be.
READS = [
    ("wrong", "microbatches", "as the mean of the means of pieces of 4 samples"),
    ("wrong", "targets_astype_int", "with y.astype(int) for y"),
    ("wrong", "chunks_drop_tail", "of whole pieces of 4 samples alone"),
    ("wrong", "c_port_accumulator", "(delta_above @ W_above.T).cumsum(axis=1)"),
    ("wrong", "label_columns", "(a - one_hot(labels).max(axis=0)) / n"),
    ("wrong", "unrolled_velocity_copy_paste", "0.9 * v of dense_2/kernel"),
    ("wrong", "tree_adam", "0.01 * m_new**2"),
    ("wrong", "bce_grad_through_clip", "clip(a, 1e-07, 1 - 1e-07)"),
    ("wrong", "softmax_jacobian_axis", "is over the samples, not over the outputs"),
    ("wrong", "shared_softmax", "takes the largest of each column off"),
    ("pairs", "leaky_adam", "the activation is where(z > 0, z, 0.05)"),
    ("pairs", "logit_formula_and_adam_beta", "log(1 + exp(-max(z, 0)))"),
    ("pairs", "cached_products", "the slope is (x @ W > 0)"),
    ("triples", "norm_neighbour_kernel_amsgrad", "max(v, what is declared)"),
    ("triples", "standardise_diag_softmax_decay", "taken as x - x.mean(axis=0)"),
]


@pytest.mark.parametrize(
    ("folder", "name", "told"), slow_but([READS[0], READS[8]], READS, 3), ids=lambda each: each[:30]
)
def test_what_others_get_wrong_is_read(folder, name, told, workers):
    status, sentence = judge(folder, name, workers)
    assert status == "MISMATCH"
    assert told in sentence


def test_a_small_guard_is_told_beside_a_mistake_not_as_one(workers):
    sentence = judge("wrong", "width_loop", workers)[1]
    assert sentence.startswith("2 faults: ")
    before, _, beside = sentence.partition("; beside that, ")
    assert "log(" not in before
    assert "log(a + 1e-15)" in beside


def test_labels_taken_from_shares_are_told_beside_a_mistake_not_as_one(workers):
    ((_, module),) = programs("wrong", ["momentum_script"])
    module.PAIRING = contracted(module, "momentum_script", soft=True)
    sentence = judged(module, workers)[1]
    assert sentence.startswith("the learning rate is applied twice")
    assert "declare it with adapters.classes(subject)" in sentence.partition("beside that")[2]


@pytest.mark.slow(10)
def test_an_accuracy_that_would_allow_anything_is_not_advised(workers):
    assert "adapters.declared" not in judge("wrong", "sorted_dense_10", workers)[1]


def test_a_decay_of_kernels_alone_is_right_where_it_is_declared(workers):
    assert judge("right", "adamw_shrink_first", workers)[0] == "MATCH"


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

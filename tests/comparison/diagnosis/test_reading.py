"""What code did, read from its own numbers: mistakes that no list contains, and several at once."""

from __future__ import annotations

import numpy as np
import pytest

from backproof.mathematics.layers.dense import Dense
from backproof.mathematics.network.loss import Loss
from backproof.mathematics.network.network import Network
from backproof.mathematics.network.penalty import Penalty
from backproof.mathematics.optimizers.adam import Adam
from backproof.mathematics.optimizers.gradient_descent import GradientDescent
from backproof.mathematics.optimizers.momentum import Momentum
from tests.comparison.diagnosis.by_hand import by_hand, chain, explained, said

FOUR = chain((5, 6, 6, 6, 3))


def test_a_slope_that_no_list_contains_is_told_as_code_would_read() -> None:
    assert said(FOUR, by_hand(slopes={2: lambda z, a, n: a * z**2})) == (
        "in dense_2: the slope is a * z**2; it should be 1 - a**2"
    )


def test_one_mistake_in_every_layer_is_one_sentence() -> None:
    wrong = by_hand(slopes=dict.fromkeys((1, 2, 3), lambda z, a, n: 1 - a))
    assert said(FOUR, wrong) == ("in every hidden layer: the slope is 1 - a; it should be 1 - a**2")
    some = by_hand(slopes=dict.fromkeys((1, 3), lambda z, a, n: 1 - a))
    assert said(FOUR, some).startswith("in dense_1 and dense_3: the slope is 1 - a;")


def test_three_mistakes_are_three() -> None:
    wrong = by_hand(
        slopes={1: lambda z, a, n: a},
        back={3: lambda d, w: d @ w},
        biases={4: lambda d: 3 * d.sum(axis=0)},
    )
    diagnosis = explained(FOUR, wrong)
    assert len(diagnosis.causes[0].suspect.plants) == 3
    sentence = diagnosis.sentence
    assert sentence.startswith(
        "3 faults: in dense_4: the gradient of the bias is 3 (outputs, here) times"
    )
    assert "in dense_3, the delta goes back through the square kernel, not through its" in sentence
    assert "in dense_1: the slope is a; it should be 1 - a**2" in sentence


def test_a_delta_that_its_bias_shows_to_be_right_is_not_blamed_for_a_kernel() -> None:
    wrong = by_hand(slopes={2: lambda z, a, n: z}, kernels={3: lambda x, d: -x.T @ d})
    sentence = said(FOUR, wrong)
    assert "in dense_3, the gradient of the kernel has the wrong sign" in sentence
    assert "in dense_2: the slope is z; it should be 1 - a**2" in sentence


def test_loss_and_gradient_are_told_apart() -> None:
    wrong = by_hand(loss=lambda a, y: np.sum(np.abs(a - y)) / 2, slopes={1: lambda z, a, n: a})
    sentence = said(FOUR, wrong)
    assert "the loss that is reported is another: 0.5 * sum of abs(a - y); it" in sentence
    assert "in dense_1: the slope is a; it should be 1 - a**2" in sentence


def test_right_gradients_beside_another_loss_are_said_to_be_right() -> None:
    wrong = by_hand(loss=lambda a, y: np.sqrt(np.sum((a - y) ** 2)))
    assert said(FOUR, wrong).startswith("the gradients are right; the loss that is reported is")


def test_what_is_explained_in_part_is_told_in_part_and_what_is_right_is_said() -> None:
    wrong = by_hand(
        slopes={3: lambda z, a, n: np.sin(7 * z) + a**5, 1: lambda z, a, n: a},
    )
    diagnosis = explained(FOUR, wrong)
    assert diagnosis.causes == ()
    assert diagnosis.sentence.startswith(
        "in dense_1: the slope is a; it should be 1 - a**2; beside that, nothing explains "
        "gradient/dense_3/bias and gradient/dense_3/kernel; by their own deltas, the gradients of "
        "dense_2 and dense_4 are right; look at the delta of dense_3"
    )


def test_nothing_is_named_that_another_point_disproves() -> None:
    """Right for small batches alone: at one sample the slope is another."""
    wrong = by_hand(slopes={2: lambda z, a, n: a if n == 1 else z})
    assert "the slope is" not in said(FOUR, wrong)


@pytest.mark.parametrize(
    ("kernel", "told"),
    [
        (lambda x, d: np.ones_like(x).T @ d, "the gradient of the kernel is ones.T @ delta"),
        (lambda x, d: x.T @ d * len(x) / 2, "the gradient of the kernel is n / 2 times what it"),
    ],
)
def test_what_the_gradient_of_a_kernel_was_made_of(kernel, told: str) -> None:
    assert f"in dense_3: {told}" in said(FOUR, by_hand(kernels={3: kernel}))


def test_a_delta_is_told_by_what_it_was_made_of() -> None:
    summed = by_hand(back={4: lambda d, w: d.sum(axis=1, keepdims=True)})
    assert said(FOUR, summed) == (
        "in dense_3: the delta is delta_above.sum(axis=1, keepdims=True) * (1 - a**2); it should "
        "be (delta_above @ W_above.T) * (1 - a**2)"
    )


def test_a_kernel_that_was_stepped_before_it_was_used_is_told_with_the_rate() -> None:
    network = chain((3, 6, 4))

    def subject(p, batch):
        x, w = batch.inputs, p["dense_2/kernel"]
        h = np.tanh(x @ p["dense_1/kernel"] + p["dense_1/bias"])
        d2 = 2 * (h @ w + p["dense_2/bias"] - batch.targets) / len(x)
        g2 = h.T @ d2
        d1 = d2 @ (w - 0.37 * g2).T * (1 - h**2)
        return {"gradient/dense_2/kernel": g2, "gradient/dense_1/kernel": x.T @ d1}

    assert "already changed: W_above - 0.37 * dW_above; it should be W_above" in said(
        network, subject
    )


def line(penalty: Penalty | None = None) -> Network:
    loss = Loss("squared_error", batch="sum")
    return Network((Dense(3, 2, bias=False),), loss, penalty or Penalty())


NAME = "dense_1/kernel"


def gradient(state, batch):
    return 2 * batch.inputs.T @ (batch.inputs @ state[NAME] - batch.targets)


def test_a_penalty_of_another_size_is_told_with_it() -> None:
    def subject(p, batch):
        return {f"gradient/{NAME}": gradient(p, batch) + 0.37 * p[NAME]}

    assert "with g that of the data, is g + 0.37 * W; it should be g + 0.2 * W" in said(
        line(Penalty(l2=0.1)), subject
    )


def test_a_weight_decay_that_is_not_declared_is_told() -> None:
    def subject(p, batch):
        g = gradient(p, batch)
        return {f"gradient/{NAME}": g, f"updated/{NAME}": p[NAME] - 0.1 * (g + 0.013 * p[NAME])}

    told = said(line(), subject, GradientDescent(0.1), given=("gradient", "updated"))
    assert "a weight decay that is not declared: it takes off 0.0013 * W (rate * 0.013 * W)" in told


@pytest.mark.parametrize("sign", [-1, 1])
def test_a_velocity_that_holds_the_step_is_another_convention(sign: int) -> None:
    def subject(state, batch):
        v = 0.9 * state[f"velocity/{NAME}"] + sign * 0.01 * gradient(state, batch)
        return {f"updated/{NAME}": state[NAME] - sign * v, f"updated/velocity/{NAME}": v}

    told = said(line(), subject, Momentum(0.01, 0.9), given=("updated",))
    which = "taken off" if sign > 0 else "added"
    start = f"right by another convention: the velocity is the step that is {which}"
    assert told.startswith(start)
    option = "change" if sign > 0 else "step"
    assert f'Momentum(…, velocity="{option}") declares this one' in told


def test_a_slot_comes_before_the_parameter_that_follows_from_it() -> None:
    def subject(s, batch):
        w, t, g = s[NAME], s["step_count"] + 1, gradient(s, batch)
        m = 0.9 * s[f"first_moment/{NAME}"] + 0.1 * g
        v = 0.999 * s[f"second_moment/{NAME}"] + 0.001 * abs(g)
        step = 0.001 * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
        return {
            f"updated/{NAME}": w - step,
            f"updated/first_moment/{NAME}": m,
            f"updated/second_moment/{NAME}": v,
        }

    assert said(line(), subject, Adam(), given=("updated",)) == (
        "in dense_1/kernel: the new second moment is 0.999 * v + 0.001 * abs(g); it should be "
        "0.999 * v + (1 - 0.999) * g**2"
    )


def test_moments_that_are_kept_corrected_are_told() -> None:
    def subject(s, batch):
        w, t, g = s[NAME], s["step_count"] + 1, gradient(s, batch)
        m = (0.9 * s[f"first_moment/{NAME}"] + 0.1 * g) / (1 - 0.9**t)
        v = (0.999 * s[f"second_moment/{NAME}"] + 0.001 * g**2) / (1 - 0.999**t)
        return {
            f"updated/{NAME}": w - 0.001 * m / (np.sqrt(v) + 1e-8),
            f"updated/first_moment/{NAME}": m,
            f"updated/second_moment/{NAME}": v,
        }

    told = said(line(), subject, Adam(), given=("updated",))
    assert told.startswith("the corrected moments are kept: the next step begins with them")


def test_a_softmax_over_the_whole_batch_is_told() -> None:
    network = Network(
        (Dense(4, 3, "softmax", bias=False),), Loss("categorical_cross_entropy", batch="sum")
    )

    def subject(p, batch):
        z = batch.inputs @ p[NAME]
        e = np.exp(z - z.max())
        a = e / e.sum()
        return {
            "activation/dense_1": a,
            f"gradient/{NAME}": batch.inputs.T @ (a - batch.targets),
        }

    told = said(network, subject, given=("activation", "gradient"))
    assert "the activation is softmax(z) over the whole batch; it should be softmax(z)" in told


def test_an_overflow_at_a_probe_is_told_beside_the_fault_with_what_declares_it() -> None:
    network = Network(
        (Dense(3, 4, "tanh"), Dense(4, 3, "softmax")), Loss("categorical_cross_entropy")
    )

    def subject_with(slope):
        def subject(p, batch):
            a = np.tanh(batch.inputs @ p[NAME] + p["dense_1/bias"])
            e = np.exp(a @ p["dense_2/kernel"] + p["dense_2/bias"])
            d2 = (e / e.sum(axis=1, keepdims=True) - batch.targets) / len(a)
            d1 = d2 @ p["dense_2/kernel"].T * slope(a)
            return {
                f"gradient/{NAME}": batch.inputs.T @ d1,
                "gradient/dense_1/bias": d1.sum(0),
                "gradient/dense_2/kernel": a.T @ d2,
                "gradient/dense_2/bias": d2.sum(0),
            }

        return subject

    told = said(network, subject_with(lambda a: 1 - a))
    assert told.startswith("in dense_1: the slope is 1 - a; it should be 1 - a**2; beside that, at")
    assert "adapters.unsaturated(subject)" in told
    right = said(network, subject_with(lambda a: 1 - a**2))
    assert "the softmax takes exp of the logits without their maximum taken off" in right
    assert right.endswith("declare that, with adapters.unsaturated(subject)")


def test_float32_is_read_too() -> None:
    inner = by_hand(slopes={2: lambda z, a, n: a * z**2})

    def subject(p, batch):
        return {name: np.float32(value) for name, value in inner(p, batch).items()}

    assert "the slope is a * z**2; it should be 1 - a**2" in said(FOUR, subject, dtype="float32")


def test_a_bias_gradient_of_every_sample_is_told_beside_the_rest() -> None:
    wrong = by_hand(biases={4: lambda d: d}, slopes={1: lambda z, a, n: a})
    told = said(FOUR, wrong)
    assert "in dense_1: the slope is a; it should be 1 - a**2" in told
    assert told.endswith(
        "gradient/dense_4/bias is given for each sample, as the delta is: sum it over the samples"
    )


def test_a_wrong_slope_has_a_table_of_its_units() -> None:
    (table,) = explained(FOUR, by_hand(slopes={2: lambda z, a, n: a * z**2})).tables
    assert (table.where, table.used, table.right) == ("dense_2", "a * z**2", "1 - a**2")
    assert [z for z, *_ in table.rows] == sorted(z for z, *_ in table.rows)
    for z, a, used, right in table.rows:
        assert (a, used, right) == pytest.approx((np.tanh(z), a * z**2, 1 - a**2))
    assert explained(FOUR, by_hand(biases={4: lambda d: 3 * d.sum(0)})).tables == ()


@pytest.mark.parametrize(
    ("clip", "told"),
    [
        (lambda g: np.clip(g, -0.5, 0.5), "the step is made with clip(g, -0.5, 0.5); it should"),
        (
            lambda g: g * min(1, 20 / np.linalg.norm(g)),
            "the step is made with g * min(1, 20 / norm(g)); it should be g",
        ),
        (lambda g: g / np.linalg.norm(g), "the step is made with g / norm(g); it should be g"),
        (np.sign, "the step takes off rate * sign(g); it should be 0.1 * g"),
    ],
)
def test_a_gradient_that_is_clipped_before_the_step_is_told(clip, told: str) -> None:
    def subject(p, batch):
        g = gradient(p, batch)
        return {f"gradient/{NAME}": g, f"updated/{NAME}": p[NAME] - 0.1 * clip(g)}

    assert told in said(line(), subject, GradientDescent(0.1), given=("gradient", "updated"))


def test_gradients_that_are_clipped_in_every_kernel_alone_are_told() -> None:
    wrong = by_hand(kernels=dict.fromkeys(range(1, 5), lambda x, d: np.clip(x.T @ d, -0.3, 0.3)))
    told = said(FOUR, wrong)
    assert told == "the gradient of each kernel is clip(g, -0.3, 0.3); it should be g"


def test_a_function_of_a_table_is_told_with_the_accuracy_to_declare() -> None:
    network = Network(
        (Dense(3, 6, "sigmoid"), Dense(6, 4, "sigmoid")), Loss("squared_error", batch="sum")
    )
    table = 1 / (1 + np.exp(12 - np.arange(3200) * 24 / 3200))

    def looked_up(z):
        return table[np.clip(((z + 12) * 3200 / 24 + 0.5).astype(int), 0, 3199)]

    def subject(p, batch):
        h = looked_up(batch.inputs @ p["dense_1/kernel"] + p["dense_1/bias"])
        a = looked_up(h @ p["dense_2/kernel"] + p["dense_2/bias"])
        d2 = 2 * (a - batch.targets) * a * (1 - a)
        d1 = d2 @ p["dense_2/kernel"].T * h * (1 - h)
        gradients = {"dense_2/kernel": h.T @ d2, "dense_1/kernel": batch.inputs.T @ d1}
        loss = np.sum((a - batch.targets) ** 2)
        return {"loss": loss, **{f"gradient/{name}": g for name, g in gradients.items()}}

    told = said(network, subject)
    assert told.startswith("all that is off is explained by a sigmoid that errs by")
    assert told.endswith('adapters.declared(subject, {"sigmoid": 0.000488})')
    wrong = said(network, lambda p, b: {**subject(p, b), "loss": 3.0 * subject(p, b)["loss"]})
    assert "sigmoid that errs" not in wrong

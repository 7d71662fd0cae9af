"""The probes reach what they are made for."""

from __future__ import annotations

import numpy as np
import pytest

from backproof import Adam, Dense, GradientDescent, Loss, Network, Residual, Scheduled
from backproof.mathematics.arithmetic.floating import Float
from backproof.mathematics.definition.evaluate import evaluate
from backproof.mathematics.probes.drawn import at_most
from backproof.mathematics.probes.probes import Bears, Probe, probes
from backproof.mathematics.probes.samples import of_widths

PLAIN = Bears()


def network(inputs: int, hidden: int, classes: int) -> Network:
    if classes == 1:
        last = Dense(hidden, 1, "sigmoid")
        return Network((Dense(inputs, hidden, "relu"), last), Loss("binary_cross_entropy"))
    last = Dense(hidden, classes, "softmax")
    return Network((Dense(inputs, hidden, "relu"), last), Loss("categorical_cross_entropy"))


@pytest.mark.parametrize("inputs", [2, 3, 4])
@pytest.mark.parametrize("hidden", [1, 2, 3, 5, 8])
@pytest.mark.parametrize("classes", [1, 2, 3, 10])
def test_an_error_of_huge_outputs_reaches_the_kernels(
    inputs: int, hidden: int, classes: int
) -> None:
    """A sample whose hidden units are all dead is not the only one that is misread.

    Else nothing but the tails of exp would reach them, of which no bound says anything.
    """
    every = probes(network(inputs, hidden, classes), GradientDescent(0.1), "float64")
    (probe,) = (each for each in every if each.name == "huge_outputs")
    found = evaluate(Float(), network(inputs, hidden, classes), probe.parameters, probe.batch)
    dead = not found["activation/dense_1"].any()
    assert not dead or hidden == 1  # which then is a unit that nothing reaches, whatever is misread
    for name in ("gradient/dense_1/kernel", "gradient/dense_2/kernel"):
        assert np.abs(found[name]).max() == 0 if dead else np.abs(found[name]).max() > 1e-3


WIDE = Network(
    (Dense(5, 8, "relu"), Dense(8, 6, "tanh"), Dense(6, 3, "softmax")),
    Loss("categorical_cross_entropy"),
)


def found(network: Network, dtype: str = "float64", bears: Bears = PLAIN) -> dict[str, Probe]:
    return {each.name: each for each in probes(network, Adam(), dtype, bears)}


def preactivations(network: Network, probe: Probe) -> dict[str, np.ndarray]:
    """Those of every layer, as the definition has them at its sites."""
    seen = {}

    def keep(site: str, value: np.ndarray, scope: object) -> np.ndarray:
        seen[site] = value
        return value

    evaluate(Float(), network, probe.parameters, probe.batch, keep)
    return {name: seen[f"z/{name}"] for name in network.node_names}


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(
    ("name", "side"),
    [
        ("close_kinks", 2.0**-12),
        ("closer_kinks", 2.0**-24),
        ("closest_kinks", 2.0**-36),
        ("merest_kinks", 2.0**-52),
    ],
)
def test_units_of_every_hidden_layer_are_beside_their_kink(
    name: str, side: float, dtype: str
) -> None:
    z = preactivations(WIDE, found(WIDE, dtype)[name])
    for layer in ("dense_1", "dense_2"):
        assert {side, -side} <= set(z[layer][0])
        assert (np.abs(z[layer]) > 1e-2).any()  # the others carry what goes on


def test_a_kink_that_is_not_at_zero_is_met_too() -> None:
    network = Network((Dense(3, 8, "relu6"), Dense(8, 2)), Loss("squared_error"))
    z = preactivations(network, found(network)["closest_kinks"])["dense_1"][0]
    assert {2.0**-36, -(2.0**-36), 6 + 2.0**-12, 6 - 2.0**-12} <= set(z)


def test_hidden_units_reach_as_far_as_forty() -> None:
    z = preactivations(WIDE, found(WIDE)["wide_range"])
    for layer in ("dense_1", "dense_2"):
        assert 38 < np.abs(z[layer]).max() < 45
        assert z[layer].min() < -20 or z[layer].max() > 20
        assert (np.abs(z[layer]).max(axis=0) < 3).any()


@pytest.mark.parametrize("last", ["sigmoid", "softmax"])
def test_probabilities_are_small_and_never_near_one_of_a_sigmoid(last: str) -> None:
    loss = {"sigmoid": "binary_cross_entropy", "softmax": "categorical_cross_entropy"}[last]
    network = Network((Dense(4, 5, "tanh"), Dense(5, 3, last)), Loss(loss))
    probe = found(network)["improbable"]
    values = evaluate(Float(), network, probe.parameters, probe.batch)["activation/dense_2"]
    of_the_right = values[probe.batch.targets == 1]
    assert of_the_right.min() < (1e-12 if last == "softmax" else 1e-6)
    assert last == "softmax" or values.max() < 0.9


def test_the_sizes_of_batches() -> None:
    sizes = {name: len(probe.batch.inputs) for name, probe in found(WIDE).items()}
    assert {1, 2, 3, 5, 6, 7, 8, 11, 64, 67, 97, 100, 101, 257} <= set(sizes.values())
    assert sizes["samples_8"] == 8
    assert 1025 <= sizes["drawn_samples"] <= 2048
    other = Network((Dense(5, 8, "relu"), Dense(8, 3, "softmax")), WIDE.loss)
    assert sizes["drawn_samples"] != len(found(other)["drawn_samples"].batch.inputs)


def test_a_large_sample_makes_a_small_batch() -> None:
    network = Network((Dense(100_000, 2), Dense(2, 1)), Loss("squared_error"))
    assert at_most(network, 257) == 7
    assert not any(name.startswith("samples_1") for name, _ in of_widths(network))


def test_samples_that_are_alike_have_other_targets() -> None:
    batch = found(WIDE)["repeated_rows"].batch
    assert len(np.unique(batch.inputs, axis=0)) == 8
    both = np.hstack([batch.inputs, batch.targets])
    assert len(np.unique(both, axis=0)) > 8


def test_classes_alone_missing_and_in_order() -> None:
    every = found(WIDE)
    labels = {name: each.batch.targets.argmax(axis=1) for name, each in every.items()}
    assert set(labels["one_class"]) == {0}
    assert set(labels["other_batch"]) == {1, 2}
    assert (np.diff(labels["many_samples"]) >= 0).all()


def test_shares_are_what_the_loss_takes() -> None:
    y = found(WIDE)["shares"].batch.targets
    assert (y.sum(axis=1) == 1).all()
    assert ((y > 0) & (y < 1)).any()
    regression = Network((Dense(2, 1, "sigmoid"),), Loss("squared_error"))
    y = found(regression)["shares"].batch.targets
    assert y.min() < -1
    assert y.max() > 2
    hinge = Network((Dense(2, 1),), Loss("hinge"))
    assert "shares" not in found(hinge)
    assert "shares" not in found(WIDE, bears=Bears(hard=True))


def test_one_thing_changes_at_a_time() -> None:
    every = found(WIDE)
    general, batch, parameters = (
        every[name] for name in ("general", "other_batch", "other_parameters")
    )
    for name in WIDE.shapes():
        assert np.array_equal(general.parameters[name], batch.parameters[name])
        assert not np.array_equal(batch.parameters[name], parameters.parameters[name])
    assert not np.array_equal(general.batch.inputs, batch.batch.inputs)
    assert np.array_equal(batch.batch.inputs, parameters.batch.inputs)
    assert [*every][:3] == ["general", "other_batch", "other_parameters"]  # one after the other


@pytest.mark.parametrize("dtype", ["float64", "float16", "bfloat16"])
def test_steps_come_late_in_every_precision(dtype: str) -> None:
    steps = {int(each.parameters["step_count"]) for each in found(WIDE, dtype).values()}
    assert steps == {1, 2, 3, 12, 1000, 5000, 100_000}


def test_a_schedule_is_met_while_it_still_moves() -> None:
    schedule = Scheduled(GradientDescent(0.1), decay=0.9, steps=10)
    for each in probes(WIDE, schedule, "float64"):
        assert schedule.share(int(each.parameters["step_count"])) >= 0.01


def test_a_subject_is_spared_what_it_does_not_bear() -> None:
    fixed = found(WIDE, bears=Bears(samples=32))
    assert {len(each.batch.inputs) for each in fixed.values()} == {32}
    assert not {"samples_8", "drawn_samples"} & {*fixed}
    assert "improbable" not in found(WIDE, bears=Bears(guarded=True))
    assert not {"saturated", "huge_outputs"} & {*found(WIDE, bears=Bears(saturates=False))}


def test_what_the_optimizer_keeps_is_as_large_as_the_gradients() -> None:
    every = found(WIDE)
    for name, size in (("general", 1.0), ("far_inputs", 1e8), ("tiny_inputs", 1e-8)):
        moments = every[name].parameters
        assert 0.1 < np.abs(moments["first_moment/dense_1/kernel"]).max() / size < 10
        assert 0.01 < moments["second_moment/dense_1/kernel"].max() / size**2 < 100


def test_whole_numbers_and_a_feature_without_variance() -> None:
    inputs = found(WIDE)["one_class"].batch.inputs
    assert (inputs == np.round(inputs)).all()
    assert inputs[0, 0] == inputs[1, 0]
    assert not np.array_equal(inputs[0], inputs[1])


def test_inputs_that_go_elsewhere_too_are_not_made_huge() -> None:
    residual = Network((Residual(Dense(3, 3, "tanh")), Dense(3, 1)), Loss("squared_error"))
    assert "far_inputs" not in found(residual)
    assert np.abs(found(WIDE)["far_inputs"].batch.inputs).max() > 1e8
    assert np.abs(found(WIDE)["tiny_inputs"].batch.inputs).max() < 1e-7

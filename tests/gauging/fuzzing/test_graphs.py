"""The fuzzer's graphs: every sort of network among them, no false alarm, a wrong layer found."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings

from backproof.comparison.judging.rows import Status
from backproof.comparison.run import Workers
from backproof.gauging.fuzzing import fuzzing
from backproof.gauging.fuzzing.drawing import (
    LARGE,
    Case,
    Drawn,
    bucket,
    cases,
    finite,
    networks,
    shapes,
)
from backproof.gauging.fuzzing.graphs import GRAPHS, LARGE_GRAPHS, Choosing, graphs, takes
from backproof.implementations.frameworks import load_file
from backproof.mathematics import functions, losses
from backproof.mathematics.layers.dense import Dense
from backproof.mathematics.layers.kinds import LAYERS
from backproof.mathematics.layers.layer import Layer
from backproof.mathematics.layers.multiply import Multiply
from backproof.mathematics.network.loss import Loss
from backproof.mathematics.network.network import Network
from backproof.mathematics.network.parameters import Batch
from backproof.mathematics.network.penalty import Penalty
from tests.faces.test_bad_input import backproof
from tests.halves import slow_but
from tests.project import ROOT
from tests.workers import Shared

OWN = Path(__file__).parent / "own_parts"


@pytest.fixture(scope="module")
def drawn() -> list[Network]:
    """Eight hundred graphs, among which is every loss of every sort of outputs."""
    return drawn_by_several(200)


@pytest.fixture
def own() -> Iterator[None]:
    """Kinds of a user's own, as other tests do not know them."""
    known = dict(LAYERS._entered), dict(LAYERS._sources)
    for path in sorted(OWN.glob("*.py")):
        load_file(path)
    yield
    LAYERS._entered, LAYERS._sources = known


def kinds_of(networks: list[Network]) -> set[str]:
    return {node.layer.kind for network in networks for node in network.nodes}


@pytest.mark.slow(5)
def test_every_kind_is_drawn(drawn: list[Network]) -> None:
    assert kinds_of(drawn) == set(LAYERS.names())


@pytest.mark.slow(2)
def test_one_of_a_users_own_is_drawn_too_and_judged(own: None) -> None:
    assert "halved" in kinds_of([network for network, _ in bucket(LARGE_GRAPHS, 40, 1, graphs)])
    with Workers(["torch"], "float64", ROOT) as workers:
        tally, failed, why = fuzzing.fuzz(workers, 20, 1, lambda _: None, of_graphs=True)
    assert failed is None, why
    assert tally.exit_status == 0


def takers(networks: list[Network], kind: str) -> list[str]:
    """The nodes of a kind that take a parameter of another node."""
    nodes = (node for network in networks for node in network.nodes)
    return [node.name for node in nodes if node.layer.kind == kind and node.shared]


def drawn_by_several(count: int) -> list[Network]:
    """So many graphs of each of four seeds: of one, Hypothesis may keep to few of the options."""
    return [
        network for number in range(4) for network, _ in bucket(LARGE_GRAPHS, count, number, graphs)
    ]


@pytest.mark.slow(4)
def test_a_kind_that_shares_nothing_is_drawn_without(
    own: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its twin would refuse the network; others may take its parameters."""
    found = drawn_by_several(100)
    assert "shifted" in kinds_of(found)
    assert not takers(found, "shifted")
    assert takers(found, "dense")
    monkeypatch.setattr(LAYERS.get("shifted"), "shares", True)
    assert takers(drawn_by_several(250), "shifted")


@pytest.mark.slow(1)
def test_graphs_are_of_every_sort(drawn: list[Network]) -> None:
    """Skips, joins of two and three, an input twice, sharing, up to three axes, all penalties."""
    nodes = [node for network in drawn for node in network.nodes]
    shared = [other for node in nodes for _, other in node.shared]
    assert any(len(taken) > 1 for network in drawn for taken in network.consumers.values())
    assert {1, 2, 3} <= {len(node.inputs) for node in nodes}
    assert any(len(set(node.inputs)) < len(node.inputs) for node in nodes)
    assert {other.transposed for other in shared} == {False, True}
    assert {len(network.input_shape) for network in drawn} == {1, 2, 3}
    assert {len(network.output_shape) for network in drawn} == {1, 2, 3}
    assert {type(network.penalty) for network in drawn} == {Penalty, tuple}
    assert {p.batch for network in drawn for p in network.penalties} == {"mean", "sum"}
    assert {len(network.nodes) for network in drawn} >= {2, 3, 4, 5, 6, 7, 8}


@pytest.mark.slow(1)
def test_every_loss_is_of_all_it_can_be_of(drawn: list[Network]) -> None:
    found = Counter((network.loss.kind, network.loss_of) for network in drawn)

    def forms(name: str) -> tuple[str, ...]:
        loss = losses.named(name)
        if loss.ACTIVATION is None:
            return ("outputs",)
        return ("fused", "logits", "outputs") if loss.of_outputs() else ("fused", "logits")

    of = {(name, form) for name in LARGE.losses for form in forms(name)}
    assert set(found) == of


def test_no_loss_is_drawn_whose_elements_may_cancel() -> None:
    assert "inner_product" in losses.names()
    assert "inner_product" not in LARGE.losses
    assert len(LARGE.losses) == len(losses.names()) - 1


@pytest.mark.parametrize(
    ("loss", "function", "fit"),
    [
        ("binary_cross_entropy", "softmax", True),
        ("binary_cross_entropy", "linear", True),
        ("binary_cross_entropy", "tanh", False),
        ("binary_cross_entropy", "softplus", False),
        ("categorical_cross_entropy", "softplus", True),
        ("categorical_cross_entropy", "relu", False),
        ("hinge", "relu", True),
    ],
)
def test_a_loss_is_of_outputs_that_it_takes(loss: str, function: str, fit: bool) -> None:
    assert takes(Loss(loss), functions.named(function), 3) is fit
    assert takes(Loss(loss), None, 3)


@pytest.mark.slow(1)
def test_graphs_survive_json(drawn: list[Network]) -> None:
    for network in drawn:
        assert Network.from_json(json.loads(json.dumps(network.to_json()))) == network


@pytest.mark.parametrize("drawn_from", [LARGE, LARGE_GRAPHS])
def test_the_same_seed_draws_the_same(drawn_from: Drawn) -> None:
    of = graphs if drawn_from is LARGE_GRAPHS else networks
    assert bucket(drawn_from, 8, 3, of) == bucket(drawn_from, 8, 3, of)


def drawn_cases(count: int) -> list[Case]:
    """Cases, of which none is shrunk."""
    found: list[Case] = []

    @seed(1)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @given(cases(shapes(LARGE_GRAPHS, graphs), "float64", LARGE_GRAPHS))
    def collect(case: Case) -> None:
        found.append(case)

    collect()
    return found


def test_samples_have_weights_sometimes_and_a_case_keeps_them(tmp_path: Path) -> None:
    found = drawn_cases(60)
    weighted = [case for case in found if case.batch.weights is not None]
    assert 0 < len(weighted) < len(found)
    path = fuzzing.write_case(weighted[0], tmp_path, ["torch"])
    with np.load(path.parent / "data.npz") as written:
        assert (written["weights"] == weighted[0].batch.weights).all()
    assert "Batch.of(DATA)" in path.read_text()


@pytest.mark.parametrize(("bias", "fit"), [(0.0, True), (40.0, False), (800.0, False)])
def test_a_loss_of_probabilities_is_drawn_where_it_is_finite(bias: float, fit: bool) -> None:
    """A probability that is 1, or may be: softmax gives 1 − e⁻⁴⁰."""
    network = Network((Dense(1, 2, "softmax"),), Loss("binary_cross_entropy"))
    parameters = {"dense_1/kernel": np.zeros((1, 2)), "dense_1/bias": np.array([bias, 0.0])}
    batch = Batch(np.ones((1, 1)), np.array([[0.0, 1.0]]))
    assert finite(network, parameters, batch, "float64") is fit
    of_logits = Network((Dense(1, 2, "sigmoid"),), Loss("binary_cross_entropy"))
    assert finite(of_logits, parameters, batch, "float64")


def test_a_kind_that_takes_other_shapes_is_not_drawn_of_them() -> None:
    choose = Choosing(lambda options: options[0], (2,), functions.examples("relu"))
    for name in LAYERS.names():
        kind = LAYERS.get(name)
        fitting = set()
        for came in [
            *[(), ((3,),), ((2, 3),), ((2, 2, 3),)],
            *[((3,), (3,)), ((3,), (4,)), ((2, 3), (3,)), ((2, 4), (3, 4), (3, 4))],
        ]:
            layer = kind.drawn(choose, *came)
            assert layer is None or layer.output(*came)
            fitting |= set() if layer is None else {len(came) > 1}
        assert fitting == {kind.several}


def test_a_kind_that_does_not_say_how_is_not_drawn() -> None:
    assert Layer.drawn(Choosing(lambda options: options[0], (2,), ()), (3,)) is None


@pytest.mark.parametrize("dtype", slow_but(["float64"], GRAPHS, 5))
def test_no_correct_graph_is_called_wrong(dtype: str, shared: Shared) -> None:
    workers = shared("torch", dtype=dtype)
    tally, failed, why = fuzzing.fuzz(workers, 40, 1, lambda _: None, of_graphs=True)
    assert failed is None, why
    assert tally.cases == 40
    assert tally.exit_status == 0
    assert tally.nearest <= 1
    if dtype == "float64":
        assert tally.statuses[Status.MATCH] >= 0.95 * tally.statuses.total()


@pytest.mark.slow(10)
def test_a_layer_that_goes_back_wrongly_is_found_shrunk_and_replayed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The last factor gets nothing back: in the definition, whose bounds are then wrong too."""
    right = Multiply.backward

    def wrong(self: Multiply, here: Any, cotangent: Any, *inputs: Any) -> Any:
        back = right(self, here, cotangent, *inputs)
        return (*back[:-1], back[-1] if back[-1] is None else here.ops.scale(back[-1], 0.0))

    with monkeypatch.context() as planted, Workers(["torch"], "float64", ROOT) as workers:
        planted.setattr(Multiply, "backward", wrong)
        tally, failed, why = fuzzing.fuzz(workers, 100, 2, lambda _: None, of_graphs=True)
    assert failed is not None
    assert "MISMATCH" in why
    assert tally.exit_status == 1
    nodes = Counter(node.layer.kind for node in failed.network.nodes)
    assert nodes["multiply"] == 1
    assert nodes.total() <= 6
    assert len(failed.batch.inputs) == 1
    path = fuzzing.write_case(failed, tmp_path, ["torch"])
    done = backproof("verify", str(path), cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
    # Planted in the case, it is found again.
    fault = dedent("""
        from backproof.mathematics.layers.multiply import Multiply
        RIGHT = Multiply.backward


        def wrong(self, here, cotangent, *inputs):
            back = RIGHT(self, here, cotangent, *inputs)
            return (*back[:-1], back[-1] if back[-1] is None else here.ops.scale(back[-1], 0.0))


        def subject(parameters, batch):
            Multiply.backward = wrong
            try:
                return subject_of(NETWORK)(parameters, batch)
            finally:
                Multiply.backward = RIGHT
    """)
    text = path.read_text().replace("subject=subject_of(NETWORK)", "subject=subject")
    path.write_text(text.replace("PAIRING =", f"{fault}\n\nPAIRING ="))
    done = backproof("verify", str(path), cwd=ROOT)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "MISMATCH gradient/" in done.stdout


@pytest.mark.slow(3)
def test_the_command_line_takes_graphs(tmp_path: Path) -> None:
    done = backproof("fuzz", "--graphs", "--cases", "5", "--reference", "torch", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 mismatched" in done.stdout

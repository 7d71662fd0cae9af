"""Networks that are none: a sentence that says where, what came, and what would fit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from backproof import (
    Activation,
    Add,
    Batch,
    Branches,
    Concatenate,
    Dense,
    Flatten,
    GradientDescent,
    Loss,
    Multiply,
    Network,
    Node,
    Pairing,
    Penalty,
    Residual,
    Sequential,
    Shared,
    UsageError,
)
from tests.project import ROOT

LOSS = Loss("squared_error")


def network(*layers: Any, **more: Any) -> Network:
    return Network(layers, LOSS, **more)


def tied(name: str, shared: Any, layer: Any = None) -> Network:
    return network(Node("a", Dense(3, 4)), Node("b", layer or Dense(4, 4), shared={name: shared}))


BAD: dict[str, tuple[Callable[[], Any], str]] = {
    "shapes that do not fit": (
        lambda: network(Dense(3, 4), Dense(5, 2)),
        "node 'dense_2': dense takes one input (…, 5), its fan_in, but gets (4,) (from dense_1 "
        "(4,))",
    ),
    "two inputs for one": (
        lambda: network(Dense(3, 3), Node("b", Dense(3, 4), ("dense_1", "inputs"))),
        "node 'b': dense takes one input (…, 3), its fan_in, but gets (3,) and (3,) (from dense_1 "
        "(3,), inputs (3,))",
    ),
    "one input for several": (
        lambda: network(Dense(3, 4), Node("sum", Add())),
        "node 'sum': add takes two inputs or more, but gets (4,) (from dense_1 (4,))",
    ),
    "a skip of another shape": (
        lambda: network(Dense(3, 4), Residual(Dense(4, 5))),
        "node 'add_1': add takes inputs of one shape, such as (5,), but gets (5,) and (4,) (from "
        "dense_2 (5,), dense_1 (4,))",
    ),
    "factors of two shapes": (
        lambda: network(Dense(3, 4), Node("gate", Multiply(), ("dense_1", "inputs"))),
        "node 'gate': multiply takes inputs of one shape, such as (4,), but gets (4,) and (3,) "
        "(from dense_1 (4,), inputs (3,))",
    ),
    "other axes side by side": (
        lambda: network(
            Dense(3, 4),
            Flatten(),
            Node("c", Concatenate(), ("dense_1", "flatten_1")),
            inputs=(2, 3),
        ),
        "node 'c': concatenate takes inputs (2, …), alike before the last axis, but gets (2, 4) "
        "and (8,) (from dense_1 (2, 4), flatten_1 (8,))",
    ),
    "inputs of another shape": (
        lambda: network(Dense(3, 4), inputs=(4,)),
        "node 'dense_1': dense takes one input (…, 3), its fan_in, but gets (4,) "
        "(from inputs (4,))",
    ),
    "a cycle": (
        lambda: network(Node("a", Dense(3, 3), "b"), Node("b", Dense(3, 3), "a")),
        "node 'a' takes 'b', which comes later or is itself: nodes stand in the order of "
        "computation, without a cycle",
    ),
    "itself": (
        lambda: network(Node("a", Dense(3, 3), "a")),
        "node 'a' takes 'a', which comes later",
    ),
    "an unknown input": (
        lambda: network(Node("a", Dense(3, 3)), Node("b", Dense(3, 3), "aa")),
        "node 'b' takes 'aa', but there is no such node; before it there are inputs, a",
    ),
    "one name twice": (
        lambda: network(Node("dense_1", Dense(3, 3)), Dense(3, 3)),
        "two nodes are called 'dense_1': give each a name of its own",
    ),
    "an output that nothing uses": (
        lambda: network(Node("a", Dense(3, 3)), Node("b", Dense(3, 3), "inputs")),
        "nothing uses what node 'a' gives: leave it out, or let a node take it",
    ),
    "a parameter of another shape": (
        lambda: tied("kernel", Shared("a/kernel")),
        "node 'b' shares a/kernel, of shape (3, 4), for its kernel, which should be (4, 4)",
    ),
    "a transposed one of another shape": (
        lambda: tied("kernel", Shared("a/kernel", transposed=True)),
        "node 'b' shares a/kernel transposed, of shape (4, 3), for its kernel, which should be "
        "(4, 4)",
    ),
    "an unknown parameter": (
        lambda: tied("kernel", Shared("c/kernel")),
        "node 'b' shares 'c/kernel', which no node before it holds; they hold a/kernel, a/bias",
    ),
    "an unknown name of its own": (
        lambda: tied("weight", Shared("a/kernel")),
        "node 'b' shares 'weight', which its layer has not; it has kernel, bias",
    ),
    "a layer without parameters that shares": (
        lambda: tied("kernel", Shared("a/kernel"), Activation("tanh")),
        "node 'b' shares 'kernel', which its layer has not; it has none",
    ),
    "no parameter": (
        lambda: tied("kernel", "x"),
        "node 'b': shared={'kernel': 'x'}; give the layer's own name of each parameter and whose "
        "it is, as in {'kernel': Shared('hidden/kernel')}",
    ),
    "no full name": (
        lambda: Shared("kernel"),
        "Shared('kernel'): give the full name of a parameter, with that of its node, as in "
        "Shared('hidden/kernel')",
    ),
    "a name with a slash": (
        lambda: Node("a/b", Dense(3, 3)),
        "node 'a/b': name it by letters, digits and _, and not 'inputs'",
    ),
    "the name of the inputs": (lambda: Node("inputs", Dense(3, 3)), "node 'inputs': name it by"),
    "a name that is none": (lambda: Node(3, Dense(3, 3)), "node 3: name it by"),
    "a node without a layer": (lambda: Node("a", 3), "node 'a' holds an int, 3; give a layer"),
    "a node with a class": (
        lambda: Node("a", Flatten),
        "node 'a' holds the class Flatten itself; give a layer",
    ),
    "a node that takes a number": (
        lambda: Node("a", Dense(3, 3), 3),
        "node 'a': inputs=3; give the names of nodes before it, or 'inputs'",
    ),
    "a penalty on no node": (
        lambda: network(Dense(3, 3), penalty={"dense_9": Penalty(l2=0.1)}),
        "a penalty is on node 'dense_9', but there is no such node; there are parameters "
        "in dense_1",
    ),
    "a penalty on a node without parameters": (
        lambda: network(Dense(3, 3), Activation("tanh"), penalty={"activation_1": Penalty(l2=0.1)}),
        "a penalty is on node 'activation_1', but it has no parameters of its own",
    ),
    "penalties that are numbers": (
        lambda: network(Dense(3, 3), penalty={"dense_1": 0.1}),
        "give a Penalty, or one for each node by its name, as in {'hidden': Penalty(l2=0.01)}",
    ),
    "a penalty that is a number": (
        lambda: network(Dense(3, 3), penalty=0.1),
        "Network(penalty=0.1): give a Penalty, or one for each node",
    ),
    "inputs that nothing tells": (
        lambda: network(Flatten(), Dense(3, 4)),
        "flatten_1 does not tell what comes in: give Network(inputs=(…)), the shape of one sample",
    ),
    "inputs that are a number": (
        lambda: network(Flatten(), Dense(5, 4), inputs=5),
        "Network(inputs=5): give the shape of one sample, whole numbers of at least 1, as in (28, "
        "28, 1)",
    ),
    "an empty axis": (
        lambda: network(Flatten(), inputs=(0, 3)),
        "Network(inputs=(0, 3)): give the",
    ),
    "no axis": (lambda: network(Dense(3, 4), inputs=()), "Network(inputs=()): give the shape"),
    "no layers": (lambda: network(), "Network(layers=()): a network needs at least one layer"),
    "one layer alone": (
        lambda: Network(Dense(3, 4), LOSS),
        "Network(layers=…) is dense; give a tuple of layers, blocks and nodes",
    ),
    "a number among layers": (
        lambda: network(Dense(3, 4), 3),
        "a network is made of layers, blocks and nodes, not an int, 3",
    ),
    "a class among layers": (
        lambda: network(Dense(3, 4), Flatten),
        "a network is made of layers, blocks and nodes, not the class Flatten itself",
    ),
    "a number in a block": (
        lambda: Sequential(3),
        "Sequential(…) holds an int, 3; give layers and",
    ),
    "nothing to skip": (lambda: Residual(), "Residual(): give the layers that are skipped"),
    "nothing that joins": (
        lambda: Branches(Dense(3, 3), Dense(3, 3), Dense(3, 3)),
        "Branches(dense, …): dense joins no inputs; give first a layer that does, such as Add()",
    ),
    "one to join": (
        lambda: Branches(Add(), Dense(3, 3)),
        "Branches(add, …) has 1 to join; give two or more",
    ),
    "a loss that is a name": (
        lambda: Network((Dense(3, 4),), "squared_error"),
        "Network(loss=…): loss is a str, 'squared_error'; give a Loss, as in Loss(",
    ),
    "an unknown decision": (
        lambda: network(Dense(3, 4), decision="best"),
        "Network(decision='best'): choose 'threshold', 'sign' or 'argmax' or None",
    ),
    "units that are no whole number": (
        lambda: Dense(3.0, 4),
        "Dense(fan_in=3.0, fan_out=4): both are whole numbers, and must be at least 1",
    ),
    "no function": (
        lambda: Activation(3),
        "Activation(activation=3): give a name, such as 'relu', or",
    ),
    "weights of another length": (
        lambda: Batch(np.ones((3, 3)), np.ones((3, 2)), np.ones(2)),
        "the batch has 3 inputs and 2 weights; give one for each sample",
    ),
    "weights of more axes": (
        lambda: Batch(np.ones((3, 3)), np.ones((3, 2)), np.ones((3, 1))),
        "batch weights have shape (3, 1); give (samples,)",
    ),
}


@pytest.mark.parametrize("bad", BAD)
def test_what_is_no_network_is_told_in_a_sentence(bad: str) -> None:
    make, message = BAD[bad]
    with pytest.raises(UsageError) as refused:
        make()
    assert message in str(refused.value)


@pytest.mark.parametrize(
    ("inputs", "targets", "message"),
    [
        (
            (4, 2, 3),
            (4, 2),
            "pairing it: the data have inputs (samples, 2, 3), the network wants (samples, 3, 2)",
        ),
        (
            (4, 3, 2),
            (4, 2, 2),
            "pairing it: the data have targets (samples, 2, 2), the network wants (samples, 2)",
        ),
    ],
)
def test_data_that_do_not_fit_are_told_too(
    inputs: tuple[int, ...], targets: tuple[int, ...], message: str
) -> None:
    pairing = Pairing(
        name="it",
        network=network(Flatten(), Dense(6, 2), inputs=(3, 2)),
        subject=lambda parameters, batch: {},
        data=lambda: Batch(np.ones(inputs), np.ones(targets)),
        initial=dict,
        optimizer=GradientDescent(0.1),
        references={"torch": None},
    )
    with pytest.raises(UsageError) as refused:
        pairing.start(ROOT, "float64")
    assert message in str(refused.value)


def test_what_is_as_good_is_taken() -> None:
    plain = network(Dense(3, 4), inputs=(2, 3))
    assert network(Dense(np.int64(3), 4), inputs=[np.int64(2), 3]) == plain
    assert hash(Network([Dense(3, 4)], LOSS, inputs=(2, 3))) == hash(plain)

"""A network in TOML: any kind of layer, nodes, shared parameters, penalties by node."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from backproof.mathematics import optimizers
from backproof.mathematics.errors import UsageError
from backproof.mathematics.layers.public import Activation, Add, Dense, Flatten
from backproof.mathematics.network import network_file
from backproof.mathematics.network.loss import Loss
from backproof.mathematics.network.network import Network
from backproof.mathematics.network.node import Node, Shared
from backproof.mathematics.network.penalty import Penalty

CHAIN = """
    inputs = [2, 3]

    [[layers]]
    kind = "flatten"

    [[layers]]
    fan_in = 6
    fan_out = 2

    [[layers]]
    kind = "activation"
    activation = {name = "leaky_relu", alpha = 0.25}

    [loss]
    kind = "squared_error"

    [penalty]
    l2 = 1
    batch = "mean"

    [optimizer]
    name = "gradient_descent"
    learning_rate = 0.5
"""
GRAPH = """
    [[nodes]]
    name = "stem"
    fan_in = 3
    fan_out = 3
    activation = "tanh"

    [[nodes]]
    name = "again"
    inputs = "stem"
    fan_in = 3
    fan_out = 3
    shared = {kernel = "stem/kernel", bias = {parameter = "stem/bias", transposed = true}}

    [[nodes]]
    name = "sum"
    kind = "add"
    inputs = ["stem", "again", "inputs"]

    [loss]
    kind = "squared_error"

    [penalty.nodes.stem]
    l1 = 0.5
"""


def load(text: str, folder: Path) -> tuple[Network, optimizers.Optimizer | None]:
    path = folder / "network.toml"
    path.write_text(dedent(text))
    return network_file.load(path)


def test_layers_of_any_kind(tmp_path: Path) -> None:
    leaky = {"name": "leaky_relu", "alpha": 0.25}
    network, optimizer = load(CHAIN, tmp_path)
    assert network == Network(
        (Flatten(), Dense(6, 2), Activation(network_file.kinds.functions.from_json(leaky))),
        Loss("squared_error"),
        Penalty(l2=1.0, batch="mean"),
        inputs=(2, 3),
    )
    assert optimizer == optimizers.from_json({"name": "gradient_descent", "learning_rate": 0.5})


def test_nodes_with_what_they_take_and_share(tmp_path: Path) -> None:
    shared = {"kernel": Shared("stem/kernel"), "bias": Shared("stem/bias", transposed=True)}
    assert load(GRAPH, tmp_path)[0] == Network(
        (
            Node("stem", Dense(3, 3, "tanh")),
            Node("again", Dense(3, 3), "stem", shared),
            Node("sum", Add(), ("stem", "again", "inputs")),
        ),
        Loss("squared_error"),
        {"stem": Penalty(l1=0.5)},
    )


@pytest.mark.parametrize(
    ("text", "old", "new", "message"),
    [
        (CHAIN, '"flatten"', '"flaten"', "[[layers]], number 1: no layer 'flaten'; there are"),
        (
            CHAIN,
            '"flatten"',
            "3",
            "[[layers]], number 1: a layer: kind is an int, 3; give a string",
        ),
        (
            CHAIN,
            '"flatten"',
            '"flatten"\naxis = 1',
            "layer 'flatten' has no 'axis'; it has nothing",
        ),
        (
            CHAIN,
            "fan_in = 6",
            'fan_in = "6"',
            "number 2: layer 'dense': fan_in = …: fan_in is a str",
        ),
        (CHAIN, "activation = {", "function = {", "number 3: layer 'activation' has no 'function'"),
        (CHAIN, "inputs = [2, 3]", "inputs = [2, 4]", "node 'dense_1': dense takes one input"),
        (
            CHAIN,
            "inputs = [2, 3]",
            'inputs = ["a"]',
            "Network(inputs=['a']): give the shape of one",
        ),
        (
            CHAIN,
            "inputs = [2, 3]",
            "inputs = 2",
            "the file: inputs = …: inputs is an int, 2; give a",
        ),
        (CHAIN, "inputs = [2, 3]", "", "flatten_1 does not tell what comes in"),
        (CHAIN, '"mean"', '"means"', "penalty: batch = 'means': choose 'mean' or 'sum'"),
        (CHAIN, "l2 = 1", "l3 = 1", "penalty has no 'l3'; it has l2, l1, biases, batch, nodes"),
        (CHAIN, "0.5", '"0.5"', "learning_rate is a str, '0.5'"),
        (CHAIN, 'name = "gradient_descent"\n', "", "optimizer needs a name, alone or in a table"),
        (CHAIN, "[loss]", "[losses]", "the file has no 'losses'"),
        (CHAIN, "[[layers]]", "[[nodes]]", "[[nodes]], number 1: a node needs name"),
        (GRAPH, "[[nodes]]", "[[layers]]", "[[layers]], number 1: layer 'dense' has no 'name'"),
        (GRAPH, '"sum"', '"a sum"', "node 'a sum': name it by letters, digits and _"),
        (GRAPH, '"add"', '"adds"', "[[nodes]], number 3: node 'sum': no layer 'adds'"),
        (GRAPH, "transposed = true", "turned = true", "node 'again': shared has no 'turned'"),
        (GRAPH, '"stem/kernel"', '"kernel"', "node 'again': Shared('kernel'): give the full name"),
        (GRAPH, '"stem/kernel"', "3", "node 'again': shared: it is an int, 3"),
        (GRAPH, '"inputs"]', '"input"]', "node 'sum' takes 'input', but there is no such node"),
        (GRAPH, "nodes.stem", "nodes.root", "a penalty is on node 'root', but there is no such"),
        (GRAPH, "[penalty.nodes.stem]\n", "[penalty.nodes]\n", "penalty.nodes.l1: it is a float"),
        (GRAPH, "l1 = 0.5", 'l1 = "much"', "penalty.nodes.stem: l1 = …: l1 is a str, 'much'"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(
    text: str, old: str, new: str, message: str, tmp_path: Path
) -> None:
    assert old in text
    with pytest.raises(UsageError) as refused:
        load(text.replace(old, new), tmp_path)
    assert message in str(refused.value)


def test_layers_and_nodes_are_not_both(tmp_path: Path) -> None:
    for text in (CHAIN.replace("[[layers]]", "[[nodes]]", 1), '[loss]\nkind = "hinge"\n'):
        with pytest.raises(UsageError, match="the file needs layers or nodes"):
            load(text, tmp_path)

"""What a notebook shows of a network: every node, shape and count; names do nothing there."""

from __future__ import annotations

import re

import pytest

from backproof.mathematics.layers.dense import Dense
from backproof.mathematics.network.loss import Loss
from backproof.mathematics.network.network import Network
from backproof.mathematics.network.penalty import Penalty
from backproof.mathematics.network.shown import table
from tests.mathematics.derivation.test_derivation import NETWORKS

NETWORK = Network(
    (Dense(2, 1000, "relu"), Dense(1000, 1, "sigmoid")),
    Loss("binary_cross_entropy"),
    Penalty(l2=0.01),
)


def rows(html: str) -> list[list[str]]:
    return [
        re.findall("<td[^>]*>(.*?)</td>", row) for row in re.findall("<tr>(.*?)</tr>", html)[1:]
    ]


def test_every_node_has_its_shapes_and_count():
    html = NETWORK._repr_html_()
    assert rows(html) == [
        [
            *("dense_1", "1000 relu", "inputs (2,)", "(1000,)"),
            *("kernel (2, 1000), bias (1000,)", "3,000"),
        ],
        [
            *("dense_2", "1 sigmoid", "dense_1 (1000,)", "(1,)"),
            *("kernel (1000, 1), bias (1,)", "1,001"),
        ],
    ]
    assert "Loss: binary_cross_entropy, l2 0.01. 4,001 parameters." in html


@pytest.mark.parametrize("network", NETWORKS, ids=str)
def test_no_kind_of_network_is_too_much(network):
    found = rows(network._repr_html_())
    assert [row[0] for row in found] == list(network.node_names)
    counts = [int(row[-1].replace(",", "")) for row in found]
    assert sum(counts) == sum(network.parameter_counts().values())


def test_names_do_nothing_but_stand_there():
    html = table(["<b>"], [["<script>"]], "a & b")
    assert "<script>" not in html
    assert "<b>" not in html
    assert "a &amp; b" in html

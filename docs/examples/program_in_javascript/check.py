"""Verifies the network in network.mjs against the definition, without any framework."""

from pathlib import Path

from backproof import Dense, Loss, Network, assert_equivalent, external

NETWORK = Network((Dense(3, 4, "tanh"), Dense(4, 1, "sigmoid")), Loss("binary_cross_entropy"))

program = external(["node", "network.mjs"], folder=Path(__file__).parent)
report = assert_equivalent(NETWORK, program, references=["definition"])

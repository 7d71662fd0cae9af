"""Verifies the network in network.c; compile it first, as it says there."""

from pathlib import Path

from backproof import Dense, Loss, Network, assert_equivalent, external

NETWORK = Network((Dense(3, 4, "tanh"), Dense(4, 2)), Loss("squared_error", scale=0.5))

program = external(["./network"], folder=Path(__file__).parent)
report = assert_equivalent(NETWORK, program, references=["torch"])

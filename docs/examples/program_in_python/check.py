"""Verifies the logistic unit in network.py."""

import sys
from pathlib import Path

from backproof import Dense, Loss, Network, assert_equivalent, external

NETWORK = Network((Dense(3, 1, "sigmoid"),), Loss("binary_cross_entropy"))

program = external([sys.executable, "network.py"], folder=Path(__file__).parent)
report = assert_equivalent(NETWORK, program, references=["torch"])

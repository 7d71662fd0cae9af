"""A user's own models of images: their layers are found, whatever layout they have."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import numpy as np
import pytest

from backproof.comparison.judging.rows import Status
from backproof.comparison.pairing.pairing import Pairing
from backproof.comparison.run import Judged, verify
from backproof.gauging.fuzzing.fuzzing import subject_of
from backproof.mathematics.layers.conv2d import Conv2D
from backproof.mathematics.layers.conv2d_transpose import Conv2DTranspose
from backproof.mathematics.layers.dense import Dense
from backproof.mathematics.layers.flatten import Flatten
from backproof.mathematics.layers.max_pool2d import MaxPool2D
from backproof.mathematics.layers.permute import Permute
from backproof.mathematics.network.loss import Loss
from backproof.mathematics.network.network import Network
from backproof.mathematics.optimizers.gradient_descent import GradientDescent
from backproof.mathematics.probes.drawn import drawn_batch, drawn_parameters
from tests.gauging.gate.conftest import TODAY
from tests.halves import slow_but
from tests.workers import Shared

LAYERS = (
    Conv2D(2, 3, (3, 2), padding="same", activation="tanh"),
    MaxPool2D(2),
    Conv2DTranspose(3, 2, 2, activation="sigmoid"),
)
# PyTorch has channels first, and so is what it flattens.
FIRST = (Permute((1, 2, 0)), *LAYERS, Permute((2, 0, 1)), Flatten(), Dense(24, 3))
LAST = (*LAYERS, Flatten(), Dense(24, 3))
NETWORKS = {
    "torch": Network(FIRST, Loss("squared_error"), inputs=(2, 5, 6)),
    "keras": Network(LAST, Loss("squared_error"), inputs=(5, 6, 2)),
}
MODELS = {
    "torch": """
        from torch import nn

        class Small(nn.Module):
            def __init__(self):
                super().__init__()
                self.first = nn.Conv2d(2, 3, (3, 2), padding="same")
                self.pool = nn.MaxPool2d(2)
                self.second = nn.ConvTranspose2d(3, 2, 2)
                self.last = nn.Linear(24, 3)

            def forward(self, x):
                x = self.pool(self.first(x).tanh())
                return self.last(self.second(x).sigmoid().flatten(1))

        def small():
            return Small()
        """,
    "keras": """
        import keras
        from keras import layers

        def small():
            return keras.Sequential([
                layers.Input((5, 6, 2)),
                layers.Conv2D(3, (3, 2), padding="same", activation="tanh"),
                layers.MaxPooling2D(2),
                layers.Conv2DTranspose(2, 2, activation="sigmoid"),
                layers.Flatten(),
                layers.Dense(3),
            ])
        """,
}


@pytest.mark.parametrize("reference", slow_but(["torch"], ["torch", "keras"], 8))
def test_the_layers_of_a_users_own_model_are_found(
    reference: str, shared: Shared, tmp_path: Path
) -> None:
    path = tmp_path / "models.py"
    path.write_text(dedent(MODELS[reference]))
    network = NETWORKS[reference]
    stream = np.random.default_rng(0)
    parameters, batch = drawn_parameters(network, stream), drawn_batch(network, stream)
    pairing = Pairing(
        name="own",
        network=network,
        subject=subject_of(network),
        data=lambda: batch,
        initial=lambda: parameters,
        optimizer=GradientDescent(0.01),
        references={reference: f"{path}:small"},
        steps=1,
        quantities=("activation", "loss", "gradient", "updated"),
    )
    (judged,) = verify([pairing], shared(reference), TODAY, certified=False)
    assert isinstance(judged, Judged), judged
    # Of a model of one's own what comes into its layers with parameters is seen, and no more.
    seen = {"activation/max_pool2d_1", "activation/flatten_1", "activation/dense_1"}
    seen |= {"activation/permute_1"} & {f"activation/{name}" for name in network.node_names}
    rows = [row for row in judged.rows if row.point == "data"]
    unseen = {row.name for row in rows if row.status is Status.ERROR}
    assert unseen == {f"activation/{name}" for name in network.node_names} - seen
    assert {row.status for row in rows if row.name not in unseen} == {Status.MATCH}
    assert {"gradient/conv2d_1/kernel", *seen} <= {row.name for row in rows}
    assert Status.MISMATCH not in {row.status for row in judged.rows}

"""words_lstm: a character-level LSTM by hand, on the numbers from one on in words."""

from __future__ import annotations

from typing import Any

import numpy as np

from backproof import LSTM, Adam, Batch, Dense, Embedding, Loss, Network, Pairing, Parameters
from comparisons._number_words import ALPHABET, windows
from scratch.words_lstm import (
    BATCH,
    BETA_1,
    BETA_2,
    EPSILON,
    LEARNING_RATE,
    LENGTH,
    SEED,
    UNITS,
    WIDTH,
    WordsLSTM,
    initial_parameters,
    shapes,
)

NAMES = tuple(shapes(len(ALPHABET)))


def subject(parameters: Parameters, batch: Batch) -> dict[str, Any]:
    """What the hand-written network computes."""
    x = batch.inputs.astype(np.intp)
    model = WordsLSTM(
        {name: parameters[name] for name in NAMES}, parameters, int(parameters["step_count"])
    )
    seen = model.forward(x)
    found = {
        "activation/embedding_1": seen.embedded,
        "activation/lstm_1": np.stack(seen.states[1:], axis=1),
        "activation/dense_1": seen.probabilities,
        "loss": model.loss(batch.targets, seen),
        "accuracy": float((seen.logits.argmax(-1) == batch.targets.argmax(-1)).mean()),
        "parameter_count": sum(array.size for array in model.parameters.values()),
    }
    found |= {f"gradient/{n}": g for n, g in model.gradients(x, batch.targets, seen).items()}
    for layer in dict.fromkeys(name.split("/")[0] for name in NAMES):
        own = [a.size for n, a in model.parameters.items() if n.startswith(f"{layer}/")]
        found[f"parameter_count/{layer}"] = sum(own)
    model.step(x, batch.targets)
    found |= {f"updated/{name}": array for name, array in model.parameters.items()}
    found |= {f"updated/first_moment/{name}": array for name, array in model.first.items()}
    found |= {f"updated/second_moment/{name}": array for name, array in model.second.items()}
    return found


PAIRING = Pairing(
    name="words_lstm",
    network=Network(
        layers=(
            Embedding(len(ALPHABET), WIDTH),
            LSTM(UNITS),
            Dense(UNITS, len(ALPHABET), "softmax"),
        ),
        loss=Loss("categorical_cross_entropy"),
        inputs=(LENGTH,),
    ),
    subject=subject,
    data=lambda: windows(0, BATCH, LENGTH),
    minibatch=lambda whole, step: windows(step * BATCH, BATCH, LENGTH),
    initial=lambda: initial_parameters(np.random.default_rng(SEED), len(ALPHABET)),
    steps=25,
    optimizer=Adam(LEARNING_RATE, BETA_1, BETA_2, EPSILON),
    references={"keras": "reference/keras_models.py:words_lstm", "torch": None},
)

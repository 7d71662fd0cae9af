"""words_gpt: a GPT of two blocks by hand, on the numbers from one on in words.

Its layers are pre-normed, as GPT-2's; the table of its characters is its head.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from backproof import (
    AdamW,
    Batch,
    Dense,
    Embedding,
    LayerNorm,
    Loss,
    Network,
    Node,
    Pairing,
    Parameters,
    Positions,
    Residual,
    SelfAttention,
    Shared,
    activations,
)
from comparisons._number_words import ALPHABET, windows
from scratch.words_gpt import (
    BATCH,
    BETA_1,
    BETA_2,
    BLOCKS,
    DECAY,
    EPSILON,
    HEADS,
    INNER,
    LEARNING_RATE,
    PLACES,
    SEED,
    WIDTH,
    WordsGPT,
    initial_parameters,
    shapes,
    softmax,
)

CHARACTERS = len(ALPHABET)
NAMES = tuple(shapes(CHARACTERS))
# What PyTorch shows of a model of its own: what comes into its layers.
SHOWN = (
    "positions_1",
    *(f"{kind}_{k}" for kind in ("layer_norm", "add") for k in range(1, 2 * BLOCKS + 1)),
    *(f"dense_{2 * block + 1}" for block in range(BLOCKS)),
)


def block() -> tuple[Residual, Residual]:
    """Attention, and a layer that is wide inside, each beside a way around it."""
    gelu = activations.named("gelu", approximate=True)
    return (
        Residual(LayerNorm(), SelfAttention(WIDTH, HEADS, causal=True, bias=False, packed=True)),
        Residual(LayerNorm(), Dense(WIDTH, INNER, gelu), Dense(INNER, WIDTH)),
    )


def subject(parameters: Parameters, batch: Batch) -> dict[str, Any]:
    """What the hand-written network computes."""
    x = batch.inputs.astype(np.intp)
    model = WordsGPT(
        {name: parameters[name] for name in NAMES}, parameters, int(parameters["step_count"])
    )
    kept = model.forward(x)
    found: dict[str, Any] = {f"activation/{node}": kept[node] for node in SHOWN}
    found |= {
        "activation/head": softmax(kept["logits"]),
        "loss": model.loss(batch.targets, kept),
        "accuracy": float((kept["logits"].argmax(-1) == batch.targets.argmax(-1)).mean()),
        "parameter_count": sum(array.size for array in model.parameters.values()),
    }
    found |= {f"gradient/{n}": g for n, g in model.gradients(x, batch.targets, kept).items()}
    for layer in dict.fromkeys(name.split("/")[0] for name in NAMES):
        own = [a.size for n, a in model.parameters.items() if n.startswith(f"{layer}/")]
        found[f"parameter_count/{layer}"] = sum(own)
    model.step(x, batch.targets)
    found |= {f"updated/{name}": array for name, array in model.parameters.items()}
    found |= {f"updated/first_moment/{name}": array for name, array in model.first.items()}
    found |= {f"updated/second_moment/{name}": array for name, array in model.second.items()}
    return found


PAIRING = Pairing(
    name="words_gpt",
    network=Network(
        layers=(
            Embedding(CHARACTERS, WIDTH),
            Positions(),
            *(part for _ in range(BLOCKS) for part in block()),
            LayerNorm(),
            Node(
                "head",
                Dense(WIDTH, CHARACTERS, "softmax", bias=False),
                f"layer_norm_{2 * BLOCKS + 1}",
                shared={"kernel": Shared("embedding_1/table", transposed=True)},
            ),
        ),
        loss=Loss("categorical_cross_entropy"),
        inputs=(PLACES,),
    ),
    subject=subject,
    data=lambda: windows(0, BATCH, PLACES),
    minibatch=lambda whole, step: windows(step * BATCH, BATCH, PLACES),
    initial=lambda: initial_parameters(np.random.default_rng(SEED), CHARACTERS),
    partial=True,
    steps=25,
    optimizer=AdamW(LEARNING_RATE, BETA_1, BETA_2, EPSILON, weight_decay=DECAY),
    references={"keras": None, "torch": "reference/torch_models.py:words_gpt"},
)

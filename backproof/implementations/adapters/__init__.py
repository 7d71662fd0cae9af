"""Adapters: wrap a subject whose arrays, batches or ways are not ours. They compose.

Each takes a subject and returns one; the outermost sees our arrays first. `docs/adapters.md` has
an example of each.
"""

from __future__ import annotations

from backproof.implementations.adapters.axes import channels_first, permuted, shaped
from backproof.implementations.adapters.batches import (
    View,
    classes,
    columns,
    copied,
    fixed_batch,
    integer_labels,
    one_sample,
    signed_labels,
)
from backproof.implementations.adapters.declarations import declared, float32, printed, unsaturated
from backproof.implementations.adapters.kernels import (
    bias_in_kernel,
    lists,
    scalar_biases,
    thresholds,
    transposed,
    vector,
    zero_biases,
)
from backproof.implementations.adapters.scripts import definitions, script
from backproof.implementations.adapters.states import anew, from_step, stateful

__all__ = [
    "View",
    "anew",
    "bias_in_kernel",
    "channels_first",
    "classes",
    "columns",
    "copied",
    "declared",
    "definitions",
    "fixed_batch",
    "float32",
    "from_step",
    "integer_labels",
    "lists",
    "one_sample",
    "permuted",
    "printed",
    "scalar_biases",
    "script",
    "shaped",
    "signed_labels",
    "stateful",
    "thresholds",
    "transposed",
    "unsaturated",
    "vector",
    "zero_biases",
]

"""What TensorFlow never lets go of by itself, released: a process that lives long would grow."""

from __future__ import annotations

import contextlib


def release() -> None:
    """Let go of what was compiled for functions and variables that are no more.

    TensorFlow enters each custom gradient of a traced function under a name of its own, for ever,
    and with it the whole graph. It keeps a kernel for each variable that an operation was called
    with. It needs the first while a graph is being differentiated, the second only to be fast.
    Neither has a public way out; where a version has another one, this does nothing.
    """
    with contextlib.suppress(ImportError, AttributeError):
        from tensorflow.python.framework import ops

        entries = ops.gradient_registry._registry
        for name in [name for name in entries if name.startswith("CustomGradient-")]:
            del entries[name]
    with contextlib.suppress(ImportError, AttributeError):
        from tensorflow.python.eager import context

        context.context().clear_kernel_cache()

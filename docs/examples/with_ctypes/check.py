"""Verifies the function in network.c, called through ctypes; compile it first, as it says there."""

import ctypes
from pathlib import Path

import numpy as np

from backproof import Dense, Loss, Network, adapters, assert_equivalent

NETWORK = Network((Dense(4, 2, bias=False),), Loss("squared_error", batch="sum", scale=0.5))

library = ctypes.CDLL(str(Path(__file__).with_name("network.so")))
library.loss_and_gradient.restype = ctypes.c_double
library.loss_and_gradient.argtypes = [ctypes.c_long] * 3 + [
    np.ctypeslib.ndpointer(np.float64, flags="C_CONTIGUOUS")
] * 4


def subject(parameters, batch):
    kernel = parameters["dense_1/kernel"]  # (fan_out, fan_in)
    gradient = np.empty_like(kernel)
    loss = library.loss_and_gradient(
        len(batch.inputs), *kernel.shape[::-1], batch.inputs, batch.targets, kernel, gradient
    )
    return {"loss": loss, "gradient/dense_1/kernel": gradient}


report = assert_equivalent(NETWORK, adapters.transposed(subject), references=["torch"])

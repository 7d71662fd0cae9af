"""A linear support vector machine: labels −1 and 1, one scalar threshold that is subtracted."""

import numpy as np


def objective(w, theta, X, y, lam):
    margins = 1 - y * (X @ w - theta)
    violated = margins > 0
    loss = np.where(violated, margins, 0).sum() + lam * np.dot(w, w)
    grad_w = -(X * (y * violated)[:, None]).sum(axis=0) + 2 * lam * w
    grad_theta = (y * violated).sum()
    return loss, grad_w, grad_theta

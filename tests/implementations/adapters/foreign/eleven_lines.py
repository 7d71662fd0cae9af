"""After the network in eleven lines: it only trains, in place, and shows no gradient. No biases."""

import numpy as np


class Trainer:
    def __init__(self, syn0, syn1):
        self.syn0, self.syn1 = syn0, syn1

    def train(self, X, y, alpha, decay):
        l1 = 1 / (1 + np.exp(-np.dot(X, self.syn0)))
        l2 = 1 / (1 + np.exp(-np.dot(l1, self.syn1)))
        l2_delta = (y - l2) * (l2 * (1 - l2))
        l1_delta = l2_delta.dot(self.syn1.T) * (l1 * (1 - l1))
        syn1_step = l1.T.dot(l2_delta) - decay * self.syn1
        syn0_step = X.T.dot(l1_delta) - decay * self.syn0
        self.syn1 += alpha * syn1_step
        self.syn0 += alpha * syn0_step

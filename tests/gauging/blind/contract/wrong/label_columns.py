# CS231n-style classifier, sparse labels inside
import numpy as np

NETWORK = {
    "sizes": [4, 10, 3],
    "activations": ["relu", "softmax"],
    "loss": "categorical_crossentropy",
    "l2": 0.002,
}
TRUTH = (
    "wrong: dscores[:, labels] -= 1 subtracts 1 in every row for every class that occurs in the batch; it must hit only each sample's own "
    "class: dscores[np.arange(N), labels] -= 1. (Right only for one sample. y is one-hot throughout.)"
)


def loss_and_gradients(parameters, X, y):
    W1, b1 = parameters["dense_1.kernel"], parameters["dense_1.bias"]
    W2, b2 = parameters["dense_2.kernel"], parameters["dense_2.bias"]
    N, D = X.shape
    reg = NETWORK["l2"]
    labels = y.argmax(axis=1)

    hidden = np.maximum(0, X.dot(W1) + b1)
    scores = hidden.dot(W2) + b2
    scores -= np.max(scores, axis=1, keepdims=True)
    exp_scores = np.exp(scores)
    norm = exp_scores.sum(axis=1, keepdims=True)
    correct_logprobs = -(scores[np.arange(N), labels] - np.log(norm[:, 0]))
    loss = np.sum(correct_logprobs) / N + 0.5 * reg * np.sum(W1 * W1) + 0.5 * reg * np.sum(W2 * W2)

    dscores = exp_scores / norm
    dscores[:, labels] -= 1
    dscores /= N
    grads = {}
    grads["dense_2.kernel"] = hidden.T.dot(dscores) + reg * W2
    grads["dense_2.bias"] = np.sum(dscores, axis=0)
    dhidden = dscores.dot(W2.T)
    dhidden[hidden <= 0] = 0
    grads["dense_1.kernel"] = X.T.dot(dhidden) + reg * W1
    grads["dense_1.bias"] = np.sum(dhidden, axis=0)
    return loss, grads

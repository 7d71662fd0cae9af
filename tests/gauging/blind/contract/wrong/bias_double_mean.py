import numpy as np

NETWORK = dict(
    sizes=[5, 8, 4],
    activations=["tanh", "softmax"],
    loss="categorical_crossentropy",
    l2=0.01,
    optimizer=dict(name="sgd", learning_rate=0.1),
)
TRUTH = (
    "wrong: in Dense.backward the bias gradient is d.mean(axis=0), though d already carries the 1/n of the averaged loss; "
    "it should be d.sum(axis=0). All bias gradients are n times too small."
)


class Dense:
    def __init__(self, W, b):
        self.W, self.b = W, b

    def forward(self, a):
        self.a = a
        return a @ self.W + self.b

    def backward(self, d):
        self.dW = np.dot(self.a.T, d)
        self.db = d.mean(axis=0)
        return d @ self.W.T


class Tanh:
    def forward(self, z):
        self.t = np.tanh(z)
        return self.t

    def backward(self, d):
        return d * (1 - self.t**2)


class SoftmaxLoss:
    def forward(self, z, y):
        z = z - z.max(axis=1, keepdims=True)
        logp = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
        self.p, self.y = np.exp(logp), y
        return -(y * logp).sum() / len(y)

    def backward(self):
        return (self.p - self.y) / len(self.y)


def loss_and_gradients(parameters, x, y):
    d1 = Dense(parameters["dense_1.kernel"], parameters["dense_1.bias"])
    d2 = Dense(parameters["dense_2.kernel"], parameters["dense_2.bias"])
    act, head = Tanh(), SoftmaxLoss()
    loss = head.forward(d2.forward(act.forward(d1.forward(x))), y)
    d1.backward(act.backward(d2.backward(head.backward())))
    lam = NETWORK["l2"]
    out = {}
    for i, d in enumerate((d1, d2), 1):
        loss += 0.5 * lam * np.sum(d.W * d.W)
        out["dense_%d.kernel" % i] = d.dW + lam * d.W
        out["dense_%d.bias" % i] = d.db
    return loss, out


def step(parameters, gradients, state):
    lr = NETWORK["optimizer"]["learning_rate"]
    return {k: w - lr * gradients[k] for k, w in parameters.items()}, {
        "step": state.get("step", 0) + 1
    }

# Port of our Java NeuralNet class (per-sample training loop turned into a batch gradient)
import numpy as np

NETWORK = {
    "sizes": [5, 7, 6, 3],
    "activations": ["leaky_relu", "leaky_relu", "softmax"],
    "leaky_slope": 0.2,
    "loss": "categorical_crossentropy",
    "l2": 0.01,
    "optimizer": {
        "name": "adam",
        "learning_rate": 0.003,
        "beta_1": 0.9,
        "beta_2": 0.99,
        "epsilon": 1e-7,
    },
}
TRUTH = (
    "wrong, three: (1) in the loop over the samples the bias gradient of every layer is assigned (=) instead of accumulated (+=), so only the last "
    "sample counts; (2) LeakyReLU.derivative has the slope 0.01 hard-coded, the forward pass uses leaky_slope = 0.2; (3) step corrects the bias with "
    "t = max(step, 1), the number of steps done before; should be step + 1."
)


class LeakyReLU:
    ALPHA = 0.01

    def __init__(self, alpha):
        self.alpha = alpha

    def apply(self, v):
        return np.where(v > 0, v, self.alpha * v)

    def derivative(self, v):
        return np.where(v > 0, 1.0, self.ALPHA)


class NeuralNet:
    def __init__(self, params):
        self.n_layers = len(NETWORK["sizes"]) - 1
        self.weights = [params["dense_%d.kernel" % (i + 1)] for i in range(self.n_layers)]
        self.biases = [params["dense_%d.bias" % (i + 1)] for i in range(self.n_layers)]
        self.activation = LeakyReLU(NETWORK["leaky_slope"])
        self.grad_w = [np.zeros_like(w) for w in self.weights]
        self.grad_b = [np.zeros_like(b) for b in self.biases]

    def forward(self, row):
        self.inputs, self.nets = [], []
        out = row
        for i in range(self.n_layers):
            self.inputs.append(out)
            net = out @ self.weights[i] + self.biases[i]
            self.nets.append(net)
            out = self.activation.apply(net)
        net = net - net.max()
        return net - np.log(np.exp(net).sum())

    def backward(self, delta):
        for i in range(self.n_layers - 1, -1, -1):
            self.grad_w[i] += np.outer(self.inputs[i], delta)
            self.grad_b[i] = delta
            if i > 0:
                delta = (self.weights[i] @ delta) * self.activation.derivative(self.nets[i - 1])


def loss_and_gradients(parameters, x, y):
    net = NeuralNet(parameters)
    n = len(x)
    loss = 0.0
    for row, target in zip(x, y):
        logp = net.forward(row)
        loss -= (target * logp).sum() / n
        net.backward((np.exp(logp) - target) / n)
    grads = {}
    for i in range(net.n_layers):
        loss += 0.5 * NETWORK["l2"] * np.sum(net.weights[i] ** 2)
        grads["dense_%d.kernel" % (i + 1)] = net.grad_w[i] + NETWORK["l2"] * net.weights[i]
        grads["dense_%d.bias" % (i + 1)] = net.grad_b[i]
    return loss, grads


def step(parameters, gradients, state):
    o = NETWORK["optimizer"]
    done = state.get("step", 0)
    t = max(done, 1)
    new_p, new_s = {}, {"step": done + 1}
    for k in parameters:
        g = gradients[k]
        m = o["beta_1"] * state.get("m." + k, np.zeros_like(g)) + (1 - o["beta_1"]) * g
        v = o["beta_2"] * state.get("v." + k, np.zeros_like(g)) + (1 - o["beta_2"]) * g * g
        new_p[k] = parameters[k] - o["learning_rate"] * (m / (1 - o["beta_1"] ** t)) / (
            np.sqrt(v / (1 - o["beta_2"] ** t)) + o["epsilon"]
        )
        new_s["m." + k], new_s["v." + k] = m, v
    return new_p, new_s

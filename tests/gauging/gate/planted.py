"""Faults and harmless rewrites of the files in scratch/, as edits."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from backproof.comparison.judging.rows import Row


class JudgeSource(Protocol):
    """Judges a pairing with another source of a file, over so many steps."""

    def __call__(self, pairing: str, file: str, source: str, steps: int = ...) -> list[Row]: ...


class Judge(Protocol):
    """Judges a pairing after an edit of one place of a file."""

    def __call__(
        self, pairing: str, file: str, old: str, new: str, steps: int = ...
    ) -> list[Row]: ...


class Edit(NamedTuple):
    """One change to one file; ``old`` occurs there exactly once."""

    name: str
    file: str
    old: str
    new: str


FAULTS = (
    Edit(
        "xor: sign of the error",
        "xor.py",
        "(1 - y) * a - y * expit(-z)",
        "y * expit(-z) - (1 - y) * a",
    ),
    Edit(
        "xor: loss without its half",
        "xor.py",
        "0.5 * np.vdot(error, error)",
        "np.vdot(error, error)",
    ),
    Edit(
        "xor: gradient twice as large",
        "xor.py",
        "_error(y, z2, a2) * a2",
        "2 * _error(y, z2, a2) * a2",
    ),
    Edit(
        "xor: no derivative at the output",
        "xor.py",
        "_error(y, z2, a2) * a2 * expit(-z2)",
        "_error(y, z2, a2)",
    ),
    Edit(
        "xor: no derivative at the hidden layer",
        "xor.py",
        "(w2 @ delta2) * a1 * expit(-z1)",
        "(w2 @ delta2)",
    ),
    Edit(
        "xor: derivative taken at the activation",
        "xor.py",
        "a1 * expit(-z1)",
        "expit(a1) * expit(-a1)",
    ),
    Edit(
        "xor: derivative of tanh",
        "xor.py",
        "(w2 @ delta2) * a1 * expit(-z1)",
        "(w2 @ delta2) * (1 - a1 * a1)",
    ),
    Edit("xor: hidden delta from the wrong delta", "xor.py", "x @ delta1.T", "x @ (w2 @ delta2).T"),
    Edit(
        "circles: sum instead of mean in the loss",
        "circles.py",
        "losses.sum() / y.size",
        "losses.sum()",
    ),
    Edit(
        "circles: sum instead of mean in the gradient",
        "circles.py",
        " / y.size  # (1, batch)",
        "  # (1, batch)",
    ),
    Edit("circles: relu derivative missing", "circles.py", "        delta1 *= z1 > 0\n", ""),
    Edit(
        "circles: relu derivative of the next layer",
        "circles.py",
        "delta2 *= z2 > 0",
        "delta2 *= z1[:5] > 0",
    ),
    Edit("circles: relu derivative 1 at 0", "circles.py", "delta1 *= z1 > 0", "delta1 *= z1 >= 0"),
    Edit(
        "circles: bias gradient averaged over units",
        "circles.py",
        '"dense_1/bias": delta1.sum(axis=1)',
        '"dense_1/bias": delta1.sum(axis=1).mean() * np.ones(10)',
    ),
    Edit(
        "circles: bias gradient frozen",
        "circles.py",
        '"dense_3/bias": delta3.sum(axis=1)',
        '"dense_3/bias": 0 * delta3.sum(axis=1)',
    ),
    Edit("circles: first bias left out", "circles.py", "        z1 += b1[:, None]\n", ""),
    Edit(
        "circles: leaky forward",
        "circles.py",
        "a2 = np.maximum(z2, 0)",
        "a2 = np.maximum(z2, 1e-9 * z2)",
    ),
    Edit(
        "circles: clipped probability in the loss",
        "circles.py",
        "np.log1p(np.exp(-np.abs(logits)))",
        "np.log1p(np.exp(-np.abs(logits)) + 1e-12)",
    ),
    Edit(
        "circles: last sample dropped",
        "circles.py",
        '"dense_2/kernel": a1 @ delta2.T',
        '"dense_2/kernel": a1[:, :-1] @ delta2[:, :-1].T',
    ),
    Edit(
        "circles: one element wrong by 1e-10",
        "circles.py",
        '        return {\n            "dense_1/kernel": x @ delta1.T,',
        '        a2[0] *= 1 + 1e-10\n        return {\n            "dense_1/kernel": x @ delta1.T,',
    ),
    Edit(
        "clusters: no penalty in the gradient",
        "clusters.py",
        "x @ delta1.T + self.l2 * w1",
        "x @ delta1.T",
    ),
    Edit(
        "clusters: penalty gradient with a half",
        "clusters.py",
        "a1 @ delta2.T + self.l2 * w2",
        "a1 @ delta2.T + 0.5 * self.l2 * w2",
    ),
    Edit(
        "clusters: no penalty in the loss",
        "clusters.py",
        "penalty - log_likelihood",
        "-log_likelihood",
    ),
    Edit(
        "clusters: penalty divided by n",
        "clusters.py",
        "loss: Scalar = penalty -",
        "loss: Scalar = penalty / y.shape[1] -",
    ),
    Edit(
        "clusters: penalty on a bias",
        "clusters.py",
        '"dense_1/bias": delta1.sum(axis=1)',
        '"dense_1/bias": delta1.sum(axis=1) + L2 * self.parameters["dense_1/bias"]',
    ),
    Edit(
        "clusters: penalty coefficient in float32",
        "clusters.py",
        "L2 = 0.01",
        "L2 = float(np.float32(0.01))",
    ),
    Edit(
        "clusters: softmax over the wrong axis",
        "clusters.py",
        "p /= p.sum(axis=0)",
        "p /= p.sum(axis=1)[:, None]",
    ),
    Edit(
        "clusters: classes shifted by one",
        "clusters.py",
        "delta2 *= p\n",
        "delta2 *= np.roll(p, 1, axis=0)\n",
    ),
    Edit(
        "captcha: the article's gradient, without the penalty",
        "captcha.py",
        "            by[:, 1:] += PENALTY / CHARACTERS * matrix[:, 1:]\n",
        "",
    ),
    Edit(
        "captcha: the article's loss, its coefficient divided by the squares",
        "captcha.py",
        "PENALTY / (2 * CHARACTERS) * squares",
        "PENALTY / (2 * CHARACTERS * squares)",
    ),
    Edit(
        "captcha: penalty on the biases too",
        "captcha.py",
        "delta.sum(axis=1, out=by[:, 0])",
        "by[:, 0] = delta.sum(axis=1) + PENALTY / CHARACTERS * matrix[:, 0]",
    ),
    Edit(
        "captcha: no derivative at the hidden layers",
        "captcha.py",
        "        lower *= slope\n",
        "",
    ),
    Edit(
        "captcha: epsilon in the logarithm", "captcha.py", "np.log(p), LOG", "np.log(p + 1e-8), LOG"
    ),
    Edit(
        "captcha: mean over the outputs", "captcha.py", "delta3 /= y.shape[1]", "delta3 /= y.size"
    ),
    Edit(
        "captcha: a kernel read as its transpose",
        "captcha.py",
        "np.matmul(matrix[:, 1:], below, out=a)",
        "w = matrix[:, 1:]; np.matmul(w.T if w.shape == (200, 200) else w, below, out=a)",
    ),
    Edit(
        "captcha: delta through the bias column",
        "captcha.py",
        "self._matrices[layer][:, 1:]",
        "self._matrices[layer][:, :-1]",
    ),
    Edit(
        "training: rate applied twice", "training.py", "gradient *= rate", "gradient *= rate * rate"
    ),
    Edit(
        "training: rate in float32",
        "training.py",
        "rate = self.dtype.type(learning_rate)",
        "rate = self.dtype.type(np.float32(learning_rate))",
    ),
    Edit(
        "training: ascends",
        "training.py",
        "self.parameters[name] -= gradient",
        "self.parameters[name] += gradient",
    ),
    Edit(
        "training: count without biases",
        "training.py",
        "for name, array in self.parameters.items():\n            layer",
        "for name, array in list(self.parameters.items())[::2]:\n            layer",
    ),
    Edit(
        "training: accuracy with a threshold of 0.6",
        "training.py",
        "columns[0] > 0.5",
        "columns[0] > 0.6",
    ),
)

# Not a number is no mismatch but an error; no pass in any case.
NOT_A_NUMBER = Edit("clusters: no shift", "clusters.py", "        z2 -= z2.max(axis=0)\n", "")

# Other orders of summation, other groupings, the same mathematics.
REWRITES = (
    Edit(
        "xor: derivative as a - a²",
        "xor.py",
        "(w2 @ delta2) * a1 * expit(-z1)",
        "(w2 @ delta2) * (a1 - a1 * a1)",
    ),
    Edit("xor: error as a difference", "xor.py", "(1 - y) * a - y * expit(-z)", "a - y"),
    Edit(
        "circles: sample by sample, last first",
        "circles.py",
        '"dense_1/kernel": x @ delta1.T',
        '"dense_1/kernel": sum(np.outer(p, d) for p, d in zip(x.T[::-1], delta1.T[::-1]))',
    ),
    Edit(
        "circles: biases summed from behind",
        "circles.py",
        '"dense_1/bias": delta1.sum(axis=1)',
        '"dense_1/bias": np.cumsum(delta1[:, ::-1], axis=1)[:, -1]',
    ),
    Edit(
        "circles: the mean at the end",
        "circles.py",
        '"dense_3/kernel": a2 @ delta3.T',
        '"dense_3/kernel": (a2 @ (delta3 * y.size).T) / y.size',
    ),
    Edit(
        "circles: loss as logaddexp",
        "circles.py",
        "np.maximum(logits, 0) - y * logits + np.log1p(np.exp(-np.abs(logits)))",
        "np.logaddexp(0, logits) - y * logits",
    ),
    Edit(
        "clusters: plain difference",
        "clusters.py",
        "        delta2 -= miss\n",
        "        delta2 = p - y\n",
    ),
    Edit(
        "clusters: penalty from squares",
        "clusters.py",
        "(np.vdot(w1, w1) + np.vdot(w2, w2))",
        "((w1**2).sum() + (w2**2).sum())",
    ),
    Edit("captcha: log of a difference", "captcha.py", "np.log1p(-p)", "np.log(1 - p)"),
    Edit(
        "captcha: slope as a - a²",
        "captcha.py",
        "        slope = np.subtract(1, a, out=self._slope[layer - 1])\n        slope *= a\n",
        "        slope = a - a * a\n",
    ),
)

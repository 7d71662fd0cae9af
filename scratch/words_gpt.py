"""A small GPT, trained to write the text that it reads; every gradient by hand.

Characters and places have a row of 8 numbers each. Two blocks follow, each of attention by 2 heads
of 4 numbers, in which a character sees those before it and itself, and of a layer of 32 units with
a GELU by tanh; each is normed as it goes in, and added to what came in. After a last norm the table
of the characters is the kernel of the head too. As in GPT-2, with d = 4, and ⊙ elementwise:

    x = E[characters] + P
    a block:   x += attend(norm(x)) Wo               x += gelu(norm(x) W1 + b1) W2 + b2
    norm:      n = (x - mean) / √(variance + 1e-5),  γ ⊙ n + β          over the 8 numbers
    attend:    q, k, v = x Wa, in 2 heads            softmax(q kᵀ/√d, of places so far) v
    gelu(z) = z/2 (1 + tanh(√(2/π) (z + 0.044715 z³)))
    Ŷ = softmax(norm(x) Eᵀ)            L = -1/(n T) Σ over samples and places of y log ŷ

Backwards, where d stands for ∂L/∂ and the sums of kernels and biases go over samples and places:

    dlogits = (Ŷ - Y)/(n T)            dE = dlogitsᵀ norm(x), and later dx at each character's row
    norm:      dn = γ ⊙ dy             dx = (dn - mean(dn) - n ⊙ mean(dn ⊙ n)) / √(variance + 1e-5)
    attend:    dv = pᵀ dy   dp = dy vᵀ   ds = p ⊙ (dp - Σ p ⊙ dp)/√d   dq = ds k   dk = dsᵀ q
    a block passes dx on by what was added, and past it

AdamW makes a step: Adam's, and a little of each parameter off.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

Array = NDArray[Any]  # float32 or float64, as the parameters are
Codes = NDArray[np.intp]

SEED = 0
LEARNING_RATE = 2.0**-8
BETA_1, BETA_2 = 0.875, 1 - 2.0**-7
EPSILON = 2.0**-20
DECAY = 2.0**-5
BLOCKS, HEADS, WIDTH, INNER, PLACES = 2, 2, 8, 32, 8
BATCH = 8
STEPS = 1_500
NORM_EPSILON = 1e-5
SQRT_2_PI, CUBIC = np.sqrt(2 / np.pi), 0.044715


def shapes(characters: int) -> dict[str, tuple[int, ...]]:
    """The shape of each parameter, for an alphabet of so many characters."""
    found: dict[str, tuple[int, ...]] = {
        "embedding_1/table": (characters, WIDTH),
        "positions_1/table": (PLACES, WIDTH),
    }
    for block in range(BLOCKS):
        before, inside = (f"layer_norm_{2 * block + 1 + k}" for k in (0, 1))
        first, second = (f"dense_{2 * block + 1 + k}" for k in (0, 1))
        found |= {
            f"{before}/scale": (WIDTH,),
            f"{before}/bias": (WIDTH,),
            f"self_attention_{block + 1}/kernel": (WIDTH, 3 * WIDTH),
            f"self_attention_{block + 1}/output_kernel": (WIDTH, WIDTH),
            f"{inside}/scale": (WIDTH,),
            f"{inside}/bias": (WIDTH,),
            f"{first}/kernel": (WIDTH, INNER),
            f"{first}/bias": (INNER,),
            f"{second}/kernel": (INNER, WIDTH),
            f"{second}/bias": (WIDTH,),
        }
    last = f"layer_norm_{2 * BLOCKS + 1}"
    return found | {f"{last}/scale": (WIDTH,), f"{last}/bias": (WIDTH,)}


def initial_parameters(
    stream: np.random.Generator, characters: int, dtype: DTypeLike = np.float64
) -> dict[str, Array]:
    """Draw tables and kernels; scales are 1, biases 0."""
    drawn: dict[str, Array] = {}
    for name, shape in shapes(characters).items():
        if name.endswith("table"):
            drawn[name] = stream.normal(0, 0.25, shape)
        elif name.endswith("kernel"):
            drawn[name] = stream.normal(0, shape[0] ** -0.5, shape)
        else:
            drawn[name] = np.full(shape, float(name.endswith("scale")))
    return {name: array.astype(dtype) for name, array in drawn.items()}


def norm(x: Array, scale: Array, shift: Array) -> tuple[Array, tuple[Array, Array]]:
    """Each row by its own mean and deviation; what the way back needs."""
    centred = x - x.mean(axis=-1, keepdims=True)
    variance = (centred * centred).mean(axis=-1, keepdims=True)
    rate = 1 / np.sqrt(variance + x.dtype.type(NORM_EPSILON))
    normed = centred * rate
    return normed * scale + shift, (normed, rate)


def norm_back(dy: Array, scale: Array, kept: tuple[Array, Array]) -> tuple[Array, Array, Array]:
    """The gradients of x, scale and shift."""
    normed, rate = kept
    dn = dy * scale
    inner = dn - dn.mean(axis=-1, keepdims=True)
    dx = rate * (inner - normed * (dn * normed).mean(axis=-1, keepdims=True))
    return dx, (dy * normed).sum(axis=(0, 1)), dy.sum(axis=(0, 1))


def split(x: Array) -> Array:
    """(samples, heads, places, width of each)."""
    return x.reshape(*x.shape[:2], HEADS, -1).transpose(0, 2, 1, 3)


def merged(x: Array) -> Array:
    """The heads side by side."""
    return x.transpose(0, 2, 1, 3).reshape(x.shape[0], x.shape[2], -1)


def softmax(z: Array) -> Array:
    """Of each row; of −∞ it is 0."""
    shifted = np.exp(z - z.max(axis=-1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=-1, keepdims=True))


def attend(packed: Array) -> tuple[Array, tuple[Array, Array, Array, Array]]:
    """softmax(q kᵀ/√d) v in every head, of places so far."""
    q, k, v = (split(part) for part in np.split(packed, 3, axis=-1))
    scores = q @ k.transpose(0, 1, 3, 2) / q.dtype.type(np.sqrt(q.shape[-1]))
    later = np.triu(np.ones(scores.shape[-2:], bool), 1)
    p = softmax(np.where(later, -np.inf, scores).astype(q.dtype))
    return merged(p @ v), (q, k, v, p)


def attend_back(dy: Array, kept: tuple[Array, Array, Array, Array]) -> Array:
    """The gradient of queries, keys and values, side by side."""
    q, k, v, p = kept
    dy = split(dy)
    dp = dy @ v.transpose(0, 1, 3, 2)
    ds = p * (dp - (p * dp).sum(axis=-1, keepdims=True)) / q.dtype.type(np.sqrt(q.shape[-1]))
    parts = (ds @ k, ds.transpose(0, 1, 3, 2) @ q, p.transpose(0, 1, 3, 2) @ dy)
    return np.concatenate([merged(part) for part in parts], axis=-1)


def gelu(z: Array) -> Array:
    """By tanh, as in GPT-2."""
    number = z.dtype.type
    inner = np.tanh(number(SQRT_2_PI) * (z + number(CUBIC) * z * z * z))
    return number(0.5) * z * (1 + inner)


def gelu_slope(z: Array) -> Array:
    """Its derivative."""
    number = z.dtype.type
    inner = np.tanh(number(SQRT_2_PI) * (z + number(CUBIC) * z * z * z))
    steep = number(SQRT_2_PI) * (1 + 3 * number(CUBIC) * z * z)
    return number(0.5) * (1 + inner) + number(0.5) * z * (1 - inner * inner) * steep


class WordsGPT:
    """The network above, in the dtype of its parameters; characters are whole numbers from 0."""

    def __init__(
        self,
        parameters: Mapping[str, ArrayLike],
        moments: Mapping[str, ArrayLike] | None = None,
        steps: int = 0,
    ) -> None:
        """Copy the parameters, and AdamW's moments after so many steps; without any, zeros.

        ``moments``: ``first_moment/embedding_1/table``, ``second_moment/…`` of every parameter.
        """
        self.parameters = {name: np.array(value) for name, value in parameters.items()}
        expected = shapes(len(self.parameters["embedding_1/table"]))
        found = {name: array.shape for name, array in self.parameters.items()}
        if found != expected:
            raise ValueError(f"parameters have shapes {found}, but should have {expected}")
        self.first, self.second = (
            {
                name: np.array(moments[f"{which}/{name}"]) if moments else np.zeros_like(array)
                for name, array in self.parameters.items()
            }
            for which in ("first_moment", "second_moment")
        )
        self.steps = steps

    def of(self, node: str, *names: str) -> tuple[Array, ...]:
        """Some parameters of a node."""
        return tuple(self.parameters[f"{node}/{name}"] for name in names)

    def forward(self, x: Codes) -> dict[str, Any]:
        """All that is computed on the way to the logits, of characters (samples, places).

        By the name of a node what it gives; behind a dash what the way back needs of it.
        """
        p = self.parameters
        kept: dict[str, Any] = {"embedding_1": p["embedding_1/table"][x]}
        here = kept["embedding_1"] + p["positions_1/table"][: x.shape[1]]
        kept["positions_1"] = here
        for block in range(BLOCKS):
            before, inside = (f"layer_norm_{2 * block + 1 + k}" for k in (0, 1))
            first, second = (f"dense_{2 * block + 1 + k}" for k in (0, 1))
            node = f"self_attention_{block + 1}"
            normed, kept[f"{before}-"] = norm(here, *self.of(before, "scale", "bias"))
            kernel, out = self.of(node, "kernel", "output_kernel")
            joined, kept[f"{node}-"] = attend(normed @ kernel)
            attended = joined @ out
            kept |= {before: normed, node: attended, f"{node}-joined": joined}
            here = kept[f"add_{2 * block + 1}"] = here + attended
            normed, kept[f"{inside}-"] = norm(here, *self.of(inside, "scale", "bias"))
            w1, b1 = self.of(first, "kernel", "bias")
            z = normed @ w1 + b1
            w2, b2 = self.of(second, "kernel", "bias")
            kept |= {inside: normed, f"{first}-": z, first: gelu(z)}
            kept[second] = kept[first] @ w2 + b2
            here = kept[f"add_{2 * block + 2}"] = here + kept[second]
        last = f"layer_norm_{2 * BLOCKS + 1}"
        normed, kept[f"{last}-"] = norm(here, *self.of(last, "scale", "bias"))
        kept |= {last: normed, "logits": normed @ p["embedding_1/table"].T}
        return kept

    def loss(self, y: Array, kept: Mapping[str, Any]) -> np.floating[Any]:
        """The mean cross-entropy over samples and places, of one-hot targets."""
        logits = kept["logits"]
        top = logits.max(axis=-1, keepdims=True)
        total = np.log(np.exp(logits - top).sum(axis=-1, keepdims=True)) + top
        entropy: np.floating[Any] = (y * (total - logits)).sum() / (y.shape[0] * y.shape[1])
        return entropy

    def gradients(self, x: Codes, y: Array, kept: Mapping[str, Any]) -> dict[str, Array]:
        """The gradient of that loss by each parameter."""
        found: dict[str, Array] = {}
        table = self.parameters["embedding_1/table"]
        last = f"layer_norm_{2 * BLOCKS + 1}"
        dlogits = (softmax(kept["logits"]) - y) / (x.shape[0] * x.shape[1])
        dtable = np.einsum("ntc,ntd->cd", dlogits, kept[last])
        dx = self._norm_back(found, last, dlogits @ table, kept)
        for block in reversed(range(BLOCKS)):
            before, inside = (f"layer_norm_{2 * block + 1 + k}" for k in (0, 1))
            first, second = (f"dense_{2 * block + 1 + k}" for k in (0, 1))
            node = f"self_attention_{block + 1}"
            da = affine_back(found, second, kept[first], dx, self.parameters)
            dz = da * gelu_slope(kept[f"{first}-"])
            dn = affine_back(found, first, kept[inside], dz, self.parameters)
            dx = dx + self._norm_back(found, inside, dn, kept)
            kernel, out = self.of(node, "kernel", "output_kernel")
            joined = kept[f"{node}-joined"]
            found[f"{node}/output_kernel"] = np.einsum("nti,ntj->ij", joined, dx)
            packed = attend_back(dx @ out.T, kept[f"{node}-"])
            found[f"{node}/kernel"] = np.einsum("nti,ntj->ij", kept[before], packed)
            dn = packed @ kernel.T
            dx = dx + self._norm_back(found, before, dn, kept)
        found["positions_1/table"] = np.zeros_like(self.parameters["positions_1/table"])
        found["positions_1/table"][: x.shape[1]] = dx.sum(axis=0)
        np.add.at(dtable, x, dx)
        found["embedding_1/table"] = dtable
        return {name: found[name] for name in self.parameters}

    def _norm_back(
        self, found: dict[str, Array], node: str, dy: Array, kept: Mapping[str, Any]
    ) -> Array:
        (scale,) = self.of(node, "scale")
        dx, found[f"{node}/scale"], found[f"{node}/bias"] = norm_back(dy, scale, kept[f"{node}-"])
        return dx

    def step(self, x: Codes, y: Array, learning_rate: float = LEARNING_RATE) -> np.floating[Any]:
        """Make one step by AdamW in place, and return the loss before it."""
        kept = self.forward(x)
        loss = self.loss(y, kept)
        self.steps += 1
        for name, gradient in self.gradients(x, y, kept).items():
            number = gradient.dtype.type
            m, s, w = self.first[name], self.second[name], self.parameters[name]
            m *= number(BETA_1)
            m += number(1 - BETA_1) * gradient
            s *= number(BETA_2)
            s += number(1 - BETA_2) * gradient * gradient
            unbiased = m / number(1 - BETA_1**self.steps)
            size = np.sqrt(s / number(1 - BETA_2**self.steps)) + number(EPSILON)
            w -= number(learning_rate) * (unbiased / size + number(DECAY) * w)
        return loss

    def write(self, first: Codes, length: int) -> Codes:
        """The likeliest characters to follow ``first``, one after another."""
        codes = list(first)
        for _ in range(length):
            seen = np.array([codes[-PLACES:]])
            codes.append(int(self.forward(seen)["logits"][0, -1].argmax()))
        return np.array(codes)


def affine_back(
    found: dict[str, Array], node: str, x: Array, dy: Array, parameters: Mapping[str, Array]
) -> Array:
    """Of y = x W + b: the gradients of W and b into ``found``, and that of x."""
    found[f"{node}/kernel"] = np.einsum("nti,ntj->ij", x, dy)
    found[f"{node}/bias"] = dy.sum(axis=(0, 1))
    return np.asarray(dy @ parameters[f"{node}/kernel"].T)

"""self_attention: heads of attention over one sequence, with its four projections."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import numpy as np
from numpy.typing import NDArray

from backproof.mathematics.arithmetic.contraction import contract
from backproof.mathematics.checking import came
from backproof.mathematics.errors import UsageError
from backproof.mathematics.layers import attending, attending_faults, attending_twins, plain_twins
from backproof.mathematics.layers.attending import Heads
from backproof.mathematics.layers.attention import back_latex, forward_latex, told
from backproof.mathematics.layers.layer import (
    Choose,
    Example,
    Formulas,
    Layer,
    Parameter,
    Shape,
    Symbols,
    fitting,
    is_length,
)
from backproof.mathematics.layers.own import At, Change, LayerFault, LayerProbe
from backproof.mathematics.layers.port import Port

if TYPE_CHECKING:
    from backproof.mathematics.arithmetic.operations import Ops
    from backproof.mathematics.functions import Activation
    from backproof.mathematics.layers.here import Here

T = TypeVar("T")

PARTS = ("query", "key", "value")
SUMMED = "x̄ = q̄ W_qᵀ + k̄ W_kᵀ + v̄ W_vᵀ"


@dataclass(frozen=True)
class SelfAttention(Layer):
    """Multi-head self-attention of (positions, width), causal or not, with an output projection.

    ``packed``: queries, keys and values by one kernel (width, 3·width), in that order; else by
    three. ``groups`` of keys and values: see `Attention`. The bias of separate keys has no
    gradient, for it moves all scores of a query alike. Source: Vaswani et al., Attention is all you
    need, 2017, section 3.2.2.
    """

    width: int
    heads: int = 1
    causal: bool = False
    bias: bool = True
    packed: bool = False
    scaled: bool = True
    groups: int | None = None

    kind: ClassVar[str] = "self_attention"
    shares: ClassVar[bool] = False
    compares: ClassVar[bool] = True
    hidden: ClassVar[None] = None
    faults: ClassVar[tuple[LayerFault, ...]] = (
        *attending_faults.FAULTS,
        *attending_faults.OF_MASKS,
        LayerFault(
            "inputs_get_values_path_alone",
            "the inputs get what comes back through the values alone: `=` where `+=` is wanted",
            SUMMED,
            lambda at: paths_back(at, (2,)),
        ),
        LayerFault(
            "inputs_lack_keys_path",
            "what comes back through the keys is not added to the gradient of the inputs",
            SUMMED,
            lambda at: paths_back(at, (0, 2)),
        ),
        LayerFault(
            "inputs_lack_queries_path",
            "what comes back through the queries is not added to the gradient of the inputs",
            SUMMED,
            lambda at: paths_back(at, (1, 2)),
        ),
        LayerFault(
            "output_kernel_not_taken_back",
            "what arrives goes on to the heads without the output's kernel",
            "ō = ḡ W_oᵀ",
            lambda at: without_output_kernel(at),
        ),
        LayerFault(
            "output_kernel_of_inputs",
            "the gradient of the output's kernel is made of the layer's inputs, not of what the "
            "heads give",
            "∂L/∂W_o = Σ_samples Σ_positions oᵀ ḡ",
            lambda at: output_kernel_of_inputs(at),
        ),
        LayerFault(
            "bias_of_last_position",
            "the gradient of the output's bias is that of the last position alone",
            "∂L/∂b_o = Σ_samples Σ_positions ḡ",
            lambda at: bias_of_last_position(at),
        ),
        LayerFault(
            "keys_first",
            "the packed kernel holds keys before queries",
            "[q, k, v] = x W + b",
            lambda at: keys_first(at),
            "convention",
        ),
    )
    hostile: ClassVar[tuple[LayerProbe, ...]] = attending_faults.HOSTILE

    def __post_init__(self) -> None:
        for name in ("width", "heads", "groups"):
            given = getattr(self, name)
            if not is_length(given) and not (name == "groups" and given is None):
                raise UsageError(
                    f"SelfAttention({name}={given!r}): give a whole number of at least 1"
                )
        for name, many, of in (
            ("heads", self.heads, self.width),
            ("groups", self.groups or self.heads, self.heads),
        ):
            if of % many:
                fit = [n for n in range(1, of + 1) if of % n == 0]
                what = "width" if name == "heads" else "heads"
                raise UsageError(
                    f"SelfAttention(width={self.width}, heads={self.heads}, groups={self.groups}): "
                    f"the {name} must divide the {what}; {', '.join(map(str, fit))} would"
                )
        for name in ("causal", "bias", "packed", "scaled"):
            if not isinstance(getattr(self, name), bool):
                raise UsageError(
                    f"SelfAttention({name}={came(getattr(self, name))}): give True or False"
                )

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (
            (cls(4, 2, causal=True), ((3, 4),)),
            (cls(4, 2, packed=True), ((3, 4),)),
            (cls(2, bias=False, packed=True, scaled=False), ((3, 2),)),
            (cls(4, 2, bias=False, groups=1), ((2, 4),)),
        )

    @classmethod
    def drawn(cls, choose: Choose, *came: Shape) -> SelfAttention | None:
        if len(came) != 1 or len(came[0]) != 2:
            return None
        width = came[0][1]
        heads = choose([n for n in (1, 2, 3, 4) if width % n == 0])
        return cls(
            width,
            heads,
            choose((False, True)),
            choose((True, False)),
            choose((False, True)),
            choose((True, True, False)),
            choose([n for n in range(heads, 0, -1) if heads % n == 0]),
        )

    @property
    def form(self) -> Heads:
        """Its heads."""
        return Heads(self.heads, self.groups or self.heads, self.scaled)

    @property
    def columns(self) -> tuple[int, int, int]:
        """How wide queries, keys and values are, over all heads or groups."""
        shared = self.width // self.heads * self.form.groups
        return self.width, shared, shared

    @property
    def accepts(self) -> Shape | None:
        return None

    @property
    def functions(self) -> tuple[Activation, ...]:
        return (attending.softmax(),)

    def width_of_head(self, *inputs: Shape) -> int:
        """d."""
        return self.width // self.heads

    def output(self, *inputs: Shape) -> Shape:
        if len(inputs) != 1 or len(inputs[0]) != 2 or inputs[0][1] != self.width:
            raise fitting(self.kind, f"one input (positions, {self.width}), its width", *inputs)
        return inputs[0]

    def parameters(self, *inputs: Shape) -> dict[str, Parameter]:
        parts: tuple[tuple[str, int], ...] = tuple(
            (f"{part}_", n) for part, n in zip(PARTS, self.columns, strict=True)
        )
        if self.packed:
            parts = (("", sum(self.columns)),)
        found = {}
        for part, columns in (*parts, ("output_", self.width)):
            found[f"{part}kernel"] = Parameter((self.width, columns), "kernel", self.width)
            if self.bias:
                found[f"{part}bias"] = Parameter((columns,), "bias")
        return found

    def vanishing(self, *inputs: Shape) -> dict[str, str]:
        return {"key_bias": "query_bias"} if self.bias and not self.packed else {}

    def live(
        self, ops: Ops[T], inputs: Sequence[T], aligned: str | None = None
    ) -> NDArray[np.bool_]:
        """(1, queries, keys): which positions each one sees."""
        positions = attending.shape_of(inputs[0])[1]
        if self.causal:
            return attending.causal(positions, positions)
        return np.ones((1, positions, positions), bool)

    def forward(self, here: Here[T], *inputs: T) -> T:
        q, k, v = self._projected(here, inputs[0])
        joined = attending.forward(here, self.form, q, k, v, self.live(here.ops, inputs))
        return self._affine(here, joined, "output_")

    def _projected(self, here: Here[T], x: T) -> list[T]:
        """Queries, keys and values."""
        if not self.packed:
            return [self._affine(here, x, f"{part}_") for part in PARTS]
        packed = here.site("packed", self._affine(here, x, ""))
        return parted(here.ops, packed, self.columns)

    def _affine(self, here: Here[T], x: T, part: str) -> T:
        """x W + b, position by position."""
        samples, positions, width = attending.shape_of(x)
        rows = here.ops.reshaped(x, (samples * positions, width))
        kernel = here.parameter(f"{part}kernel")
        bias = here.parameter(f"{part}bias") if self.bias else None
        found = here.ops.affine(rows, kernel, bias)
        return here.ops.reshaped(found, (samples, positions, attending.shape_of(kernel)[1]))

    def backward(self, here: Here[T], cotangent: T, *inputs: T) -> tuple[T | None, ...]:
        """From the output's projection through the heads (see `attending.backward`) to x.

        ::

        ∂L/∂W_o = Σ oᵀ ḡ,   ō = ḡ W_oᵀ,   ∂L/∂W_q = Σ xᵀ q̄ and so on, over samples and positions,
        x̄ = q̄ W_qᵀ + k̄ W_kᵀ + v̄ W_vᵀ
        """
        ops, x = here.ops, inputs[0]
        self._gradients(here, here.value("merged"), cotangent, "output_")
        joined = contract(ops, "ntk,dk->ntd", cotangent, here.value("output_kernel"))
        joined = here.site("joined_back", joined)
        parts = list(attending.backward(here, self.form, joined, self.live(ops, inputs)))
        names = [f"{part}_" for part in PARTS]
        if self.packed:
            parts, names = [here.site("packed_back", ops.concatenated(parts))], [""]
        for part, name in zip(parts, names, strict=True):
            self._gradients(here, x, part, name)
        if not here.wants():
            return (None,)
        terms = [attending.shape_of(part)[2] for part in parts]
        further = here.further_terms_below() + sum(terms)
        back = [
            contract(ops, "ntk,dk->ntd", part, here.value(f"{name}kernel"), further - own)
            for part, name, own in zip(parts, names, terms, strict=True)
        ]
        return (ops.sum_of_charged(back),)

    def _gradients(self, here: Here[T], x: T, back: T, part: str) -> None:
        """Those of one projection."""
        further = here.further_terms(f"{part}kernel")
        here.gradient(f"{part}kernel", contract(here.ops, "ntd,ntk->dk", x, back, further))
        if self.bias:
            further = here.further_terms(f"{part}bias")
            here.gradient(f"{part}bias", here.ops.total(back, (0, 1), further))

    def summands(self, *inputs: Shape) -> tuple[int, ...]:
        return (sum(self.columns),)

    def gradient_summands(self, rows: int, *inputs: Shape) -> dict[str, int]:
        return dict.fromkeys(self.parameters(*inputs), rows * inputs[0][0])

    def products(self, *inputs: Shape) -> int:
        positions, width = inputs[0]
        each = width * (sum(self.columns) + width)
        return positions * each + positions**2 * (2 * width + self.heads)

    def summary(self) -> str:
        """``2 heads, causal``, and what is special about its projections."""
        return (
            told(self.form, self.causal)
            + ", packed" * self.packed
            + ", without bias" * (not self.bias)
        )

    def latex(self, symbols: Symbols) -> Formulas:
        x, i, g, named = symbols.inputs[0], symbols.number, symbols.arriving, symbols.parameters

        def projected(part: str) -> str:
            bias = f" + {named[f'{part}bias']}" if self.bias else ""
            return f"{x} {named[f'{part}kernel']}{bias}"

        if self.packed:
            defined = rf"[Q, K, V] = {projected('')}"
        else:
            defined = r", \quad ".join(
                f"{letter} = {projected(f'{part}_')}"
                for letter, part in zip("QKV", PARTS, strict=True)
            )
        output, bias = named["output_kernel"], named.get("output_bias")
        arrived = rf"({g} {output}^\top)"
        heads = forward_latex(self, "Q", "K", "V", i).replace(f"A_{{{i}}}", "O")
        inner = Symbols(("Q", "K", "V"), i, {}, arrived)
        backs = back_latex(self, "Q", "K", "V", inner)
        gradients = {}
        for part, back in zip(PARTS, backs, strict=True):
            if not self.packed:
                gradients[f"{part}_kernel"] = rf"\sum_{{n, t}} {x}^\top {back}"
                gradients[f"{part}_bias"] = rf"\sum_{{n, t}} {back}"
        if self.packed:
            whole = ", ".join(backs)
            gradients["kernel"] = rf"\sum_{{n, t}} {x}^\top [{whole}]"
            gradients["bias"] = rf"\sum_{{n, t}} [{whole}]"
        gradients["output_kernel"] = rf"\sum_{{n, t}} O^\top {g}"
        gradients["output_bias"] = rf"\sum_{{n, t}} {g}"
        kernels = [named["kernel"]] if self.packed else [named[f"{p}_kernel"] for p in PARTS]
        parts = [f"[{', '.join(backs)}]"] if self.packed else list(backs)
        summed = " + ".join(
            rf"{back} {kernel}^\top" for back, kernel in zip(parts, kernels, strict=True)
        )
        return Formulas(
            forward=(
                rf"{defined}, \qquad {heads}, \qquad A_{{{i}}} = O {output}"
                + (f" + {bias}" if bias else "")
            ),
            delta="",
            cotangents=(f"({summed})",),
            gradients={name: each for name, each in gradients.items() if name in named},
        )

    def keras(self, *inputs: Shape) -> Port:
        return plain_twins.in_keras(self, partial(self._apply, attending_twins.in_keras), *inputs)

    def torch(self, *inputs: Shape) -> Port:
        if not self.packed or not self.scaled or self.form.groups != self.heads:
            apply = partial(self._apply, attending_twins.in_torch)
            return plain_twins.in_torch(self, apply, *inputs)
        from torch import nn

        def make(bare: bool) -> Any:
            inner = nn.MultiheadAttention(self.width, self.heads, bias=self.bias, batch_first=True)
            return of_itself()(inner, self.causal)

        names: Mapping[str, tuple[str, tuple[int, ...]]] = {
            "kernel": ("in_proj_weight", (1, 0)),
            "bias": ("in_proj_bias", (0,)),
            "output_kernel": ("out_proj.weight", (1, 0)),
            "output_bias": ("out_proj.bias", (0,)),
        }
        own = {name: names[name] for name in self.parameters(*inputs)}
        return Port(make, nn.MultiheadAttention, own)

    def jax(self, *inputs: Shape) -> Port:
        return plain_twins.in_jax(partial(self._apply, attending_twins.in_jax))

    def _apply(self, attend: Callable[..., Any], p: Mapping[str, Any], x: Any) -> Any:
        def affine(x: Any, part: str) -> Any:
            z = x @ p[f"{part}kernel"]
            return z + p[f"{part}bias"] if self.bias else z

        if self.packed:
            whole, (first, second, _) = affine(x, ""), self.columns
            last = first + second
            q, k, v = whole[..., :first], whole[..., first:last], whole[..., last:]
        else:
            q, k, v = (affine(x, f"{part}_") for part in PARTS)
        live = attending.causal(x.shape[1], x.shape[1])[None] if self.causal else None
        return affine(attend(self.form, q, k, v, live), "output_")


def parted(ops: Ops[T], x: T, columns: Sequence[int]) -> list[T]:
    """The columns of the last axis, in parts."""
    shape = attending.shape_of(x)
    places = np.arange(int(np.prod(shape))).reshape(shape)
    ends = np.cumsum(columns)
    return [ops.gather(x, places[..., end - n : end]) for end, n in zip(ends, columns, strict=True)]


@cache
def of_itself() -> Any:
    """A module for PyTorch's attention, of one sequence for all three."""
    from torch import nn

    class OfItself(nn.Module):  # type: ignore[misc]  # PyTorch is Any here
        def __init__(self, inner: Any, causal: bool) -> None:
            super().__init__()
            self.inner, self.causal = inner, causal

        def forward(self, x: Any) -> Any:
            import torch

            mask = None
            if self.causal:  # True where a key is hidden
                mask = torch.as_tensor(~attending.causal(x.shape[1], x.shape[1])[0])
            return self.inner(x, x, x, attn_mask=mask, need_weights=False)[0]

    return OfItself


def layer_of(at: At) -> SelfAttention:
    """The node's layer."""
    layer: Any = at.layer
    return layer  # type: ignore[no-any-return]


def parts_back(at: At, s: Any) -> tuple[list[Any], list[Any]]:
    """What comes back to queries, keys and values, and their kernels."""
    layer = layer_of(at)
    backs = [s.values[f"{part}_back/{at.name}"] for part in ("queries", "keys", "values")]
    if not layer.packed:
        return backs, [s.values[f"{part}_kernel/{at.name}"] for part in PARTS]
    kernel = s.values[f"kernel/{at.name}"]
    return backs, parted(s.ops, kernel, layer.columns)


def paths_back(at: At, kept: Sequence[int]) -> dict[str, Change]:
    """What goes back to the inputs, along some of the three ways."""
    if not at.back[0]:
        return {}

    def change(value: Any, s: Any) -> Any:
        backs, kernels = parts_back(at, s)
        found = [contract(s.ops, "ntk,dk->ntd", backs[i], kernels[i]) for i in kept]
        return s.ops.sum_of_charged(found)

    return {at.back[0]: change}


def without_output_kernel(at: At) -> dict[str, Change]:
    """What arrives, as what goes on to the heads."""
    return {f"joined_back/{at.name}": lambda value, s: s.values[at.arriving]}


def output_kernel_of_inputs(at: At) -> dict[str, Change]:
    """The gradient of the output's kernel, of x."""

    def change(value: Any, s: Any) -> Any:
        return contract(s.ops, "ntd,ntk->dk", s.values[at.sources[0]], s.values[at.arriving])

    return {f"data_gradient/{at.name}/output_kernel": change}


def bias_of_last_position(at: At) -> dict[str, Change]:
    """The gradient of the output's bias, of the last position."""
    if not layer_of(at).bias or at.inputs[0][0] == 1:
        return {}

    def change(value: Any, s: Any) -> Any:
        arrived = s.values[at.arriving]
        places = np.arange(int(np.prod(arrived.shape))).reshape(arrived.shape)
        return s.ops.total(s.ops.gather(arrived, places[:, -1]), 0)

    return {f"data_gradient/{at.name}/output_bias": change}


def keys_first(at: At) -> dict[str, Change]:
    """Keys where queries should be, forwards and backwards."""
    layer = layer_of(at)
    if not layer.packed or len(set(layer.columns)) > 1:
        return {}
    n = layer.width

    def change(value: Any, s: Any) -> Any:
        places = np.arange(int(np.prod(value.shape))).reshape(value.shape)
        order = [*range(n, 2 * n), *range(n), *range(2 * n, 3 * n)]
        return s.ops.gather(value, places[..., order])

    return {f"packed/{at.name}": change, f"packed_back/{at.name}": change}


PART = SelfAttention

"""PyTorch twins of the hand-written networks: one module a network, with its loss and optimizer.

A module's parameters have torch's default dtype and its own initial values; the caller changes
both. `forward` returns what `loss` takes: logits for a cross-entropy (of `captcha` probabilities),
else the last activation.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Xor(nn.Module):
    """3-4-1 without biases, sigmoid on both layers; half the sum of squared errors."""

    def __init__(self) -> None:
        """Build the layers."""
        super().__init__()
        self.hidden = nn.Linear(3, 4, bias=False)
        self.output = nn.Linear(4, 1, bias=False)

    def forward(self, inputs: Tensor) -> Tensor:
        """Return probabilities, (batch, 1)."""
        hidden = torch.sigmoid(self.hidden(inputs))
        return torch.sigmoid(self.output(hidden))

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return ½ Σ (ŷ - y)² over the samples."""
        return 0.5 * F.mse_loss(outputs, targets, reduction="sum")

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Return gradient descent at the article's learning rate."""
        return torch.optim.SGD(self.parameters(), lr=1.0)


class Circles(nn.Module):
    """2-10-5-1, ReLU, ReLU, logit; binary cross-entropy, mean over the samples."""

    def __init__(self) -> None:
        """Build the layers."""
        super().__init__()
        self.hidden_1 = nn.Linear(2, 10)
        self.hidden_2 = nn.Linear(10, 5)
        self.output = nn.Linear(5, 1)

    def forward(self, inputs: Tensor) -> Tensor:
        """Return logits, (batch, 1)."""
        hidden = F.relu(self.hidden_1(inputs))
        hidden = F.relu(self.hidden_2(hidden))
        logits: Tensor = self.output(hidden)
        return logits

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the mean binary cross-entropy of logits and targets, (batch, 1) each."""
        return F.binary_cross_entropy_with_logits(outputs, targets)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Return gradient descent at the article's learning rate."""
        return torch.optim.SGD(self.parameters(), lr=0.01)


class Clusters(nn.Module):
    """2-5-3, ReLU, logits; categorical cross-entropy, mean over samples, plus L2 penalty."""

    def __init__(self, l2: float) -> None:
        """Build the layers; the penalty is ½ · l2 · Σ W²."""
        super().__init__()
        self.hidden = nn.Linear(2, 5)
        self.output = nn.Linear(5, 3)
        self.l2 = l2

    def forward(self, inputs: Tensor) -> Tensor:
        """Return logits, (batch, 3)."""
        logits: Tensor = self.output(F.relu(self.hidden(inputs)))
        return logits

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the mean cross-entropy of logits and one-hot targets, with ½ · l2 · Σ W²."""
        loss = F.cross_entropy(outputs, targets)
        if self.l2:
            penalty = self.hidden.weight.square().sum() + self.output.weight.square().sum()
            loss = loss + 0.5 * self.l2 * penalty
        return loss

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Return gradient descent at the article's learning rate."""
        return torch.optim.SGD(self.parameters(), lr=0.01)


class BreastCancer(nn.Sequential):
    """30-128-64-32-1, ReLU ×3, logit; binary cross-entropy, summed over the samples."""

    def __init__(self) -> None:
        """Build the layers."""
        super().__init__(
            nn.Linear(30, 128),
            nn.ReLU(),
            nn.Linear(128, 64),
            nn.ReLU(),
            nn.Linear(64, 32),
            nn.ReLU(),
            nn.Linear(32, 1),
        )

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the summed binary cross-entropy of logits and targets, (batch, 1) each."""
        return F.binary_cross_entropy_with_logits(outputs, targets, reduction="sum")

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Return gradient descent at the article's learning rate."""
        return torch.optim.SGD(self.parameters(), lr=1e-4)


class Layered(nn.Module):
    """Dense layers of any sizes, one activation a layer, with a loss and a learning rate.

    Where the loss takes logits, the last layer has no activation (`nn.Identity`).
    """

    def __init__(
        self,
        sizes: Sequence[int],
        activations: Sequence[type[nn.Module]],
        criterion: Callable[[Tensor, Tensor], Tensor],
        learning_rate: float,
    ) -> None:
        """Build the layers."""
        super().__init__()
        layers: list[nn.Module] = []
        for (fan_in, fan_out), activation in zip(pairwise(sizes), activations, strict=True):
            layers += [nn.Linear(fan_in, fan_out), activation()]
        self.layers = nn.Sequential(*layers)
        self.criterion = criterion
        self.learning_rate = learning_rate

    def forward(self, inputs: Tensor) -> Tensor:
        """Return what the criterion takes, (batch, fan_out)."""
        outputs: Tensor = self.layers(inputs)
        return outputs

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the criterion of outputs and targets, (batch, fan_out) each."""
        return self.criterion(outputs, targets)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Return gradient descent."""
        return torch.optim.SGD(self.parameters(), lr=self.learning_rate)


class Captcha(nn.Module):
    """260-200-200-36, sigmoid throughout; binary cross-entropy of each output, with L2.

    Summed over the outputs, mean over the samples.
    """

    def __init__(self) -> None:
        """Build the layers."""
        super().__init__()
        self.hidden_1 = nn.Linear(260, 200)
        self.hidden_2 = nn.Linear(200, 200)
        self.output = nn.Linear(200, 36)

    def forward(self, inputs: Tensor) -> Tensor:
        """Return probabilities, (batch, 36)."""
        hidden = torch.sigmoid(self.hidden_1(inputs))
        hidden = torch.sigmoid(self.hidden_2(hidden))
        return torch.sigmoid(self.output(hidden))

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the cross-entropy of probabilities and targets, with 0.1 / (2 · 240) · Σ W²."""
        kernels = (self.hidden_1.weight, self.hidden_2.weight, self.output.weight)
        squares = sum(kernel.square().sum() for kernel in kernels)
        likelihood = F.binary_cross_entropy(outputs, targets, reduction="sum") / len(targets)
        return likelihood + 0.1 / (2 * 240) * squares

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Return gradient descent; the article minimises by conjugate gradients."""
        return torch.optim.SGD(self.parameters(), lr=1 / 32)


def xor() -> Xor:
    """Return a new network for the exclusive or."""
    return Xor()


def circles() -> Circles:
    """Return a new network for the two circles."""
    return Circles()


def clusters() -> Clusters:
    """Return a new network for the three clusters."""
    return Clusters(l2=0.01)


def clusters_minibatch() -> Clusters:
    """Return a new network for the three clusters, without penalty."""
    return Clusters(l2=0.0)


def breast_cancer() -> BreastCancer:
    """Return a new network for the tumours."""
    return BreastCancer()


def layered() -> Layered:
    """Return 2-3-1, sigmoid; sum of squared errors."""
    return Layered((2, 3, 1), [nn.Sigmoid, nn.Sigmoid], nn.MSELoss(reduction="sum"), 0.005)


def layered_deep() -> Layered:
    """Return 4-8-7-6-5-3, tanh; sum of squared errors."""
    return Layered((4, 8, 7, 6, 5, 3), [nn.Tanh] * 5, nn.MSELoss(reduction="sum"), 0.002)


def layered_half() -> Layered:
    """Return 3-10-2, tanh; half the sum of squared errors."""
    squared_error = nn.MSELoss(reduction="sum")
    return Layered((3, 10, 2), [nn.Tanh, nn.Tanh], lambda a, y: squared_error(a, y) / 2, 0.005)


def layered_cross_entropy() -> Layered:
    """Return 5-6-4, sigmoid, logits; binary cross-entropy, summed over outputs and samples."""
    criterion = nn.BCEWithLogitsLoss(reduction="sum")
    return Layered((5, 6, 4), [nn.Sigmoid, nn.Identity], criterion, 0.02)


def layered_single() -> Layered:
    """Return 6-1, logit; binary cross-entropy, summed over the samples: logistic regression."""
    return Layered((6, 1), [nn.Identity], nn.BCEWithLogitsLoss(reduction="sum"), 0.01)


class BiasedBatchNorm(nn.BatchNorm2d):
    """nn.BatchNorm2d, but that the running variance is fed with the biased one, as in Keras."""

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the norm of pictures, channels first; in training, move the running values."""
        if not self.training:
            return super().forward(inputs)
        with torch.no_grad():
            self.running_mean.lerp_(inputs.mean((0, 2, 3)), self.momentum)
            variance = inputs.var((0, 2, 3), unbiased=False)
            self.running_var.lerp_(variance, self.momentum)
        return F.batch_norm(inputs, None, None, self.weight, self.bias, training=True, eps=self.eps)


class DigitsConv(nn.Module):
    """Two convolutions, with the largest of windows, batch norm and dropout; 10 logits.

    Mean cross-entropy. It takes channels last and puts them first, as the hand-written network has
    them all along.
    """

    def __init__(self) -> None:
        """Build the layers."""
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 6, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(6, 12, 3, stride=2, padding=1, bias=False),
            BiasedBatchNorm(12, eps=2.0**-10, momentum=0.125),
            nn.ReLU(),
        )
        self.dropout = nn.Dropout(0.25)
        self.output = nn.Linear(48, 10)

    def forward(self, inputs: Tensor) -> Tensor:
        """Return logits, (batch, 10), of pictures (batch, 8, 8, 1)."""
        features = self.features(inputs.movedim(-1, 1)).flatten(1)
        logits: Tensor = self.output(self.dropout(features))
        return logits

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the mean cross-entropy of logits and one-hot targets."""
        return F.cross_entropy(outputs, targets)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Return momentum."""
        return torch.optim.SGD(self.parameters(), lr=0.015625, momentum=0.875)


def digits_conv() -> DigitsConv:
    """Return a new network for pictures of digits."""
    return DigitsConv()


class DigitsResidual(nn.Module):
    """A convolution, a residual block of two, the mean over the picture, 10 logits.

    Mean cross-entropy with ½ · l2 · Σ over the kernels' squares. It takes channels last, as the
    hand-written network does, and puts them first for PyTorch.
    """

    def __init__(self, l2: float) -> None:
        """Build the layers."""
        super().__init__()
        self.first = nn.Conv2d(1, 8, 3, padding=1)
        self.inner = nn.Conv2d(8, 8, 3, padding=1)
        self.outer = nn.Conv2d(8, 8, 3, padding=1)
        self.output = nn.Linear(8, 10)
        self.l2 = l2

    def forward(self, inputs: Tensor) -> Tensor:
        """Return logits, (batch, 10), of pictures (batch, 8, 8, 1)."""
        x = F.relu(self.first(inputs.movedim(-1, 1)))
        x = F.relu(self.outer(F.relu(self.inner(x))) + x)
        logits: Tensor = self.output(x.mean(dim=(2, 3)))
        return logits

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the mean cross-entropy of logits and one-hot targets, with the penalty."""
        kernels = [layer.weight for layer in (self.first, self.inner, self.outer, self.output)]
        squares = sum(kernel.square().sum() for kernel in kernels)
        return F.cross_entropy(outputs, targets) + 0.5 * self.l2 * squares

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Return momentum."""
        return torch.optim.SGD(self.parameters(), lr=0.125, momentum=0.875)


def digits_residual() -> DigitsResidual:
    """Return a new network for pictures of digits, with its penalty."""
    return DigitsResidual(l2=2.0**-13)


def captcha() -> Captcha:
    """Return a new network for the characters of captchas."""
    return Captcha()


class Block(nn.Module):
    """Attention and a wide layer, each normed as it goes in and added to what came in."""

    def __init__(self, width: int, heads: int, inner: int) -> None:
        """Build the layers."""
        super().__init__()
        self.norm_1 = nn.LayerNorm(width)
        self.attention = nn.MultiheadAttention(width, heads, bias=False, batch_first=True)
        self.norm_2 = nn.LayerNorm(width)
        self.wide = nn.Linear(width, inner)
        self.narrow = nn.Linear(inner, width)

    def forward(self, x: Tensor) -> Tensor:
        """Return (batch, places, width) of the same."""
        normed = self.norm_1(x)
        later = torch.triu(torch.ones(x.shape[1], x.shape[1], dtype=torch.bool), 1)
        x = x + self.attention(normed, normed, normed, attn_mask=later, need_weights=False)[0]
        wide = F.gelu(self.wide(self.norm_2(x)), approximate="tanh")
        shown: Tensor = x + self.narrow(wide)
        return shown


class WordsGPT(nn.Module):
    """A GPT of two blocks, 8 numbers wide, with 2 heads; the table of 21 characters is its head.

    Mean cross-entropy over samples and places; AdamW.
    """

    def __init__(self) -> None:
        """Build the layers."""
        super().__init__()
        self.characters = nn.Embedding(21, 8)
        self.places = nn.Embedding(8, 8)
        self.blocks = nn.Sequential(Block(8, 2, 32), Block(8, 2, 32))
        self.norm = nn.LayerNorm(8)

    def forward(self, inputs: Tensor) -> Tensor:
        """Return logits, (batch, places, 21), of characters (batch, places)."""
        x = self.characters(inputs.long()) + self.places(torch.arange(inputs.shape[1]))
        return F.linear(self.norm(self.blocks(x)), self.characters.weight)

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the mean cross-entropy of logits and one-hot targets."""
        return F.cross_entropy(outputs.flatten(0, 1), targets.flatten(0, 1))

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Return AdamW."""
        betas = (0.875, 1 - 2.0**-7)
        return torch.optim.AdamW(
            self.parameters(), 2.0**-8, betas, eps=2.0**-20, weight_decay=2.0**-5
        )


def words_gpt() -> WordsGPT:
    """Return a new GPT for numbers in words."""
    return WordsGPT()

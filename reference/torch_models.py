"""PyTorch twins of the hand-written networks: one module a network, with its loss and optimizer.

A module's parameters have torch's default dtype and its own initial values; the caller changes
both. `forward` returns what `loss` takes: logits, or for `xor` and `captcha` probabilities.
"""

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

    def __init__(self) -> None:
        """Build the layers."""
        super().__init__()
        self.hidden = nn.Linear(2, 5)
        self.output = nn.Linear(5, 3)

    def forward(self, inputs: Tensor) -> Tensor:
        """Return logits, (batch, 3)."""
        logits: Tensor = self.output(F.relu(self.hidden(inputs)))
        return logits

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the mean cross-entropy of logits and one-hot targets, with ½ · 0.01 · Σ W²."""
        penalty = self.hidden.weight.square().sum() + self.output.weight.square().sum()
        return F.cross_entropy(outputs, targets) + 0.005 * penalty

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Return gradient descent at the article's learning rate."""
        return torch.optim.SGD(self.parameters(), lr=0.01)


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
    return Clusters()


def captcha() -> Captcha:
    """Return a new network for the characters of captchas."""
    return Captcha()

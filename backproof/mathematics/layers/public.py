"""The public names of layers, for type checkers; `backproof` imports each when it is asked for."""

from backproof.mathematics.layers.activation import Activation
from backproof.mathematics.layers.add import Add
from backproof.mathematics.layers.attention import Attention
from backproof.mathematics.layers.average_pool1d import AveragePool1D
from backproof.mathematics.layers.average_pool2d import AveragePool2D
from backproof.mathematics.layers.batch_norm import BatchNorm
from backproof.mathematics.layers.blocks import Branches, Residual, Sequential
from backproof.mathematics.layers.concatenate import Concatenate
from backproof.mathematics.layers.conv1d import Conv1D
from backproof.mathematics.layers.conv2d import Conv2D
from backproof.mathematics.layers.conv2d_transpose import Conv2DTranspose
from backproof.mathematics.layers.dense import Dense
from backproof.mathematics.layers.dropout import Dropout
from backproof.mathematics.layers.embedding import Embedding
from backproof.mathematics.layers.flatten import Flatten
from backproof.mathematics.layers.global_average_pool import GlobalAveragePool
from backproof.mathematics.layers.global_max_pool import GlobalMaxPool
from backproof.mathematics.layers.group_norm import GroupNorm
from backproof.mathematics.layers.gru import GRU
from backproof.mathematics.layers.instance_norm import InstanceNorm
from backproof.mathematics.layers.layer_norm import LayerNorm
from backproof.mathematics.layers.lstm import LSTM
from backproof.mathematics.layers.max_pool1d import MaxPool1D
from backproof.mathematics.layers.max_pool2d import MaxPool2D
from backproof.mathematics.layers.multiply import Multiply
from backproof.mathematics.layers.permute import Permute
from backproof.mathematics.layers.positions import Positions
from backproof.mathematics.layers.prelu import PReLU
from backproof.mathematics.layers.rms_norm import RMSNorm
from backproof.mathematics.layers.self_attention import SelfAttention
from backproof.mathematics.layers.simple_rnn import SimpleRNN

__all__ = [
    "GRU",
    "LSTM",
    "Activation",
    "Add",
    "Attention",
    "AveragePool1D",
    "AveragePool2D",
    "BatchNorm",
    "Branches",
    "Concatenate",
    "Conv1D",
    "Conv2D",
    "Conv2DTranspose",
    "Dense",
    "Dropout",
    "Embedding",
    "Flatten",
    "GlobalAveragePool",
    "GlobalMaxPool",
    "GroupNorm",
    "InstanceNorm",
    "LayerNorm",
    "MaxPool1D",
    "MaxPool2D",
    "Multiply",
    "PReLU",
    "Permute",
    "Positions",
    "RMSNorm",
    "Residual",
    "SelfAttention",
    "Sequential",
    "SimpleRNN",
]

"""Keras twins of the hand-written networks: one function a network returns its compiled model.

Set keras.config.set_floatx before the call: layers and optimizer take their dtype from it. Weights
start at Keras's own initial values; give the model others with set_weights.
"""

from collections.abc import Callable, Sequence
from typing import Any

import keras
from keras import layers, losses, metrics, ops, optimizers, regularizers


def xor() -> keras.Model:
    """Return 3-4-1 without biases, sigmoid on both layers; half the sum of squared errors."""
    model = keras.Sequential(
        [
            keras.Input((3,)),
            layers.Dense(4, activation="sigmoid", use_bias=False),
            layers.Dense(1, activation="sigmoid", use_bias=False),
        ]
    )
    model.compile(
        optimizer=optimizers.SGD(1.0),
        loss=losses.MeanSquaredError(reduction="sum"),  # one output: the mean over outputs is it
        loss_weights=[0.5],
        metrics=[metrics.BinaryAccuracy(name="accuracy", threshold=0.5)],
    )
    return model


def circles() -> keras.Model:
    """Return 2-10-5-1, ReLU, ReLU, logit; binary cross-entropy, mean over the samples."""
    model = keras.Sequential(
        [
            keras.Input((2,)),
            layers.Dense(10, activation="relu"),
            layers.Dense(5, activation="relu"),
            layers.Dense(1),
        ]
    )
    model.compile(
        optimizer=optimizers.SGD(0.01),
        loss=losses.BinaryCrossentropy(from_logits=True),
        metrics=[metrics.BinaryAccuracy(name="accuracy", threshold=0.0)],  # of the logit
    )
    return model


def clusters() -> keras.Model:
    """Return 2-5-3, ReLU, logits; categorical cross-entropy, mean over samples, plus L2 penalty."""
    return _clusters(half_l2)


def clusters_minibatch() -> keras.Model:
    """Return the same without the penalty."""
    return _clusters(None)


def _clusters(regularizer: Callable[..., Any] | None) -> keras.Model:
    model = keras.Sequential(
        [
            keras.Input((2,)),
            layers.Dense(5, activation="relu", kernel_regularizer=regularizer),
            layers.Dense(3, kernel_regularizer=regularizer),
        ]
    )
    model.compile(
        optimizer=optimizers.SGD(0.01),
        loss=losses.CategoricalCrossentropy(from_logits=True),
        metrics=[metrics.CategoricalAccuracy(name="accuracy")],
    )
    return model


def captcha() -> keras.Model:
    """Return 260-200-200-36, sigmoid throughout; binary cross-entropy of each output, with L2.

    Summed over the outputs, mean over the samples. The loss is of probabilities, clipped at 1e-7;
    but Keras 3.15 on TensorFlow finds the logits that they were made from, and takes those.
    """
    model = keras.Sequential(
        [
            keras.Input((260,)),
            layers.Dense(200, activation="sigmoid", kernel_regularizer=captcha_l2),
            layers.Dense(200, activation="sigmoid", kernel_regularizer=captcha_l2),
            layers.Dense(36, activation="sigmoid", kernel_regularizer=captcha_l2),
        ]
    )
    model.compile(
        optimizer=optimizers.SGD(1 / 32),
        loss=losses.BinaryCrossentropy(),
        loss_weights=[36.0],  # Keras takes the mean over the outputs
        metrics=[metrics.CategoricalAccuracy(name="accuracy")],
    )
    return model


def captcha_l2(kernel: keras.KerasTensor) -> keras.KerasTensor:
    """Return 0.1 / (2 · 240) · Σ kernel², with an exact coefficient, as in `half_l2`."""
    return 0.1 / (2 * 240) * ops.sum(ops.square(kernel))


def half_l2(kernel: keras.KerasTensor) -> keras.KerasTensor:
    """Return ½ · 0.01 · Σ kernel².

    keras.regularizers.L2(0.005) would round its coefficient to float32, whatever floatx is
    (Keras 3.15 on TensorFlow: 0.004999999888).
    """
    return 0.005 * ops.sum(ops.square(kernel))


def breast_cancer() -> keras.Model:
    """Return 30-128-64-32-1, ReLU ×3, logit; binary cross-entropy, summed over the samples."""
    model = keras.Sequential(
        [
            keras.Input((30,)),
            layers.Dense(128, activation="relu"),
            layers.Dense(64, activation="relu"),
            layers.Dense(32, activation="relu"),
            layers.Dense(1),
        ]
    )
    model.compile(
        optimizer=optimizers.SGD(1e-4),
        loss=losses.BinaryCrossentropy(from_logits=True, reduction="sum"),
        metrics=[metrics.BinaryAccuracy(name="accuracy", threshold=0.0)],  # of the logit
    )
    return model


def layered() -> keras.Model:
    """Return 2-3-1, sigmoid; sum of squared errors."""
    return _layered((2, 3, 1), ("sigmoid", "sigmoid"), squared_error, 0.005)


def layered_deep() -> keras.Model:
    """Return 4-8-7-6-5-3, tanh; sum of squared errors."""
    return _layered((4, 8, 7, 6, 5, 3), ("tanh",) * 5, squared_error, 0.002)


def layered_half() -> keras.Model:
    """Return 3-10-2, tanh; half the sum of squared errors."""
    return _layered((3, 10, 2), ("tanh", "tanh"), half_squared_error, 0.005)


def layered_cross_entropy() -> keras.Model:
    """Return 5-6-4, sigmoid, logits; binary cross-entropy, summed over outputs and samples."""
    return _layered((5, 6, 4), ("sigmoid", None), cross_entropy, 0.02)


def layered_single() -> keras.Model:
    """Return 6-1, logit; binary cross-entropy, summed over the samples: logistic regression."""
    return _layered((6, 1), (None,), cross_entropy, 0.01)


def _layered(
    sizes: Sequence[int],
    activations: Sequence[str | None],
    loss: Callable[..., Any],
    learning_rate: float,
) -> keras.Model:
    model = keras.Sequential([keras.Input((sizes[0],))])
    for units, activation in zip(sizes[1:], activations, strict=True):
        model.add(layers.Dense(units, activation=activation))
    model.compile(optimizer=optimizers.SGD(learning_rate), loss=loss)
    return model


def squared_error(targets: keras.KerasTensor, outputs: keras.KerasTensor) -> keras.KerasTensor:
    """Return Σ (ŷ - y)² over outputs and samples."""
    return ops.sum(ops.square(outputs - targets))


def half_squared_error(targets: keras.KerasTensor, outputs: keras.KerasTensor) -> keras.KerasTensor:
    """Return ½ Σ (ŷ - y)² over outputs and samples."""
    return 0.5 * squared_error(targets, outputs)


def cross_entropy(targets: keras.KerasTensor, logits: keras.KerasTensor) -> keras.KerasTensor:
    """Return the binary cross-entropy of each output, summed over outputs and samples."""
    return ops.sum(ops.binary_crossentropy(targets, logits, from_logits=True))


def digits_conv() -> keras.Model:
    """Return two convolutions, with the largest of windows, batch norm and dropout; 10 logits.

    Mean cross-entropy; pictures are (8, 8, 1). The zeros around stand in a layer of their own:
    Keras's "same" would put none before the second convolution, at stride 2. The pictures that are
    left become vectors channel by channel.
    """
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Conv2D(6, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(2),
            layers.ZeroPadding2D(1),
            layers.Conv2D(12, 3, strides=2, use_bias=False),
            layers.BatchNormalization(momentum=0.875, epsilon=2.0**-10),
            layers.ReLU(),
            layers.Permute((3, 1, 2)),
            layers.Flatten(),
            layers.Dropout(0.25),
            layers.Dense(10),
        ]
    )
    model.compile(
        optimizer=optimizers.SGD(0.015625, momentum=0.875),
        loss=losses.CategoricalCrossentropy(from_logits=True),
        metrics=[metrics.CategoricalAccuracy(name="accuracy")],
    )
    return model


def digits_residual() -> keras.Model:
    """Return a convolution, a residual block of two, the mean over the picture, and 10 logits.

    Mean cross-entropy, with ½ · 2⁻¹³ · Σ over the kernels' squares; pictures are (8, 8, 1). Of a
    power of two regularizers.L2 rounds nothing off.
    """

    def convolution(activation: str | None) -> layers.Conv2D:
        return layers.Conv2D(
            8,
            3,
            padding="same",
            activation=activation,
            kernel_regularizer=regularizers.L2(2.0**-14),
        )

    pictures = keras.Input((8, 8, 1))
    x = convolution("relu")(pictures)
    block = convolution(None)(convolution("relu")(x))
    x = layers.ReLU()(layers.Add()([block, x]))
    x = layers.GlobalAveragePooling2D()(x)
    model = keras.Model(pictures, layers.Dense(10, kernel_regularizer=regularizers.L2(2.0**-14))(x))
    model.compile(
        optimizer=optimizers.SGD(0.125, momentum=0.875),
        loss=losses.CategoricalCrossentropy(from_logits=True),
        metrics=[metrics.CategoricalAccuracy(name="accuracy")],
    )
    return model


def words_lstm() -> keras.Model:
    """Return a character-level LSTM: 8 numbers a character, 16 units, logits of the next one.

    It is not compiled: Keras's own Adam adds ε elsewhere than the hand-written one does.
    """
    characters = keras.Input((12,))
    x = layers.Embedding(21, 8)(characters)
    x = layers.LSTM(16, return_sequences=True)(x)
    return keras.Model(characters, layers.Dense(21)(x))

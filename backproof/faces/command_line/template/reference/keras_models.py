"""The network in Keras."""

import keras


def penalty(w):
    """L2, in Keras's own operations: its regularizers.L2 rounds the coefficient to float32."""
    return 0.0001 * keras.ops.sum(keras.ops.square(w))


def moons():
    """2-8-1; the sigmoid is left to the loss, which takes logits."""
    model = keras.Sequential(
        [
            keras.Input((2,)),
            keras.layers.Dense(8, activation="tanh", kernel_regularizer=penalty),
            keras.layers.Dense(1, kernel_regularizer=penalty),
        ]
    )
    model.compile(
        optimizer=keras.optimizers.SGD(1.0),
        loss=keras.losses.BinaryCrossentropy(from_logits=True),
    )
    return model

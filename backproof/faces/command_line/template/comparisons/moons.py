"""The network by hand against Keras and PyTorch."""

from backproof import Batch, Dense, GradientDescent, Loss, Network, Pairing, Penalty
from scratch import moons


def subject(parameters, batch):
    """What the hand-written network computes, under the names that are compared."""
    loss, gradients = moons.loss_and_gradients(parameters, batch.inputs, batch.targets)
    hidden, _, outputs = moons.forward(parameters, batch.inputs)
    sizes = {name: array.size for name, array in parameters.items()}
    return {
        "activation/dense_1": hidden,
        "activation/dense_2": outputs,
        "loss": loss,
        **{f"gradient/{name}": gradient for name, gradient in gradients.items()},
        **{f"updated/{name}": w for name, w in moons.step(parameters, gradients).items()},
        "accuracy": moons.accuracy(parameters, batch.inputs, batch.targets),
        "parameter_count": sum(sizes.values()),
        **{f"parameter_count/{d}": sizes[f"{d}/kernel"] + sizes[f"{d}/bias"] for d in LAYERS},
    }


LAYERS = ("dense_1", "dense_2")
PAIRING = Pairing(
    name="moons",
    network=Network(
        layers=(Dense(2, 8, "tanh"), Dense(8, 1, "sigmoid")),
        loss=Loss("binary_cross_entropy"),
        penalty=Penalty(l2=moons.L2),
    ),
    subject=subject,
    data=lambda: Batch(*moons.crescents(200)),
    initial=moons.initial_parameters,
    optimizer=GradientDescent(moons.LEARNING_RATE),
    references={
        "keras": "reference/keras_models.py:moons",
        "torch": "reference/torch_models.py:moons",
    },
)

"""Layer kinds, one file each: forward and backward pass, parameters, shapes, twins, derivation."""

# What `import backproof` offers of them, with the file of each: it imports none before it is asked.
PUBLIC = {
    "Activation": "activation",
    "Add": "add",
    "AveragePool1D": "average_pool1d",
    "AveragePool2D": "average_pool2d",
    "Branches": "blocks",
    "Concatenate": "concatenate",
    "Conv1D": "conv1d",
    "Conv2D": "conv2d",
    "Dense": "dense",
    "Dropout": "dropout",
    "Embedding": "embedding",
    "Flatten": "flatten",
    "GlobalAveragePool": "global_average_pool",
    "GlobalMaxPool": "global_max_pool",
    "GroupNorm": "group_norm",
    "InstanceNorm": "instance_norm",
    "LayerNorm": "layer_norm",
    "MaxPool1D": "max_pool1d",
    "MaxPool2D": "max_pool2d",
    "Multiply": "multiply",
    "PReLU": "prelu",
    "RMSNorm": "rms_norm",
    "Residual": "blocks",
    "Sequential": "blocks",
}

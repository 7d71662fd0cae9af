"""Layer kinds, one file each: forward and backward pass, parameters, shapes, twins, derivation."""

# What `import backproof` offers of them, with the file of each: it imports none before it is asked.
PUBLIC = {
    "Activation": "activation",
    "Add": "add",
    "Branches": "blocks",
    "Concatenate": "concatenate",
    "Conv1D": "conv1d",
    "Conv2D": "conv2d",
    "Dense": "dense",
    "Flatten": "flatten",
    "GroupNorm": "group_norm",
    "InstanceNorm": "instance_norm",
    "LayerNorm": "layer_norm",
    "Multiply": "multiply",
    "PReLU": "prelu",
    "RMSNorm": "rms_norm",
    "Residual": "blocks",
    "Sequential": "blocks",
}

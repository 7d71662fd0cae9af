"""A logistic unit in plain Python that backproof verifies over a pipe: no NumPy, nothing shared.

It speaks the protocol of docs/protocol.md: a line of JSON, then as many bytes of safetensors as
the line says, which are eight bytes of length, a JSON header, and the numbers.
"""

import json
import math
import struct
import sys


def unpacked(payload):
    """Tensors by name, each a flat list; all are float64 here."""
    (length,) = struct.unpack_from("<Q", payload)
    header = json.loads(payload[8 : 8 + length])
    found = {}
    for name, entry in header.items():
        start, end = entry["data_offsets"]
        found[name] = struct.unpack_from(f"<{(end - start) // 8}d", payload, 8 + length + start)
    return found


def packed(tensors):
    """Safetensors of (shape, numbers) by name."""
    header, data = {}, b""
    for name, (shape, numbers) in tensors.items():
        block = struct.pack(f"<{len(numbers)}d", *numbers)
        offsets = [len(data), len(data) + len(block)]
        header[name] = {"dtype": "F64", "shape": shape, "data_offsets": offsets}
        data += block
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def evaluate(parameters, inputs, targets):
    """Loss and gradients of the mean binary cross-entropy."""
    kernel, (bias,) = parameters["dense_1/kernel"], parameters["dense_1/bias"]
    width, samples = len(kernel), len(targets)
    loss, by_bias, by_kernel = 0.0, 0.0, [0.0] * width
    for s, y in enumerate(targets):
        x = inputs[s * width : (s + 1) * width]
        z = sum(a * w for a, w in zip(x, kernel)) + bias
        e = math.exp(-abs(z))
        loss += (max(z, 0) - y * z + math.log1p(e)) / samples
        delta = ((1 if z > 0 else e) / (1 + e) - y) / samples
        by_bias += delta
        by_kernel = [g + a * delta for g, a in zip(by_kernel, x)]
    return {
        "loss": ([], [loss]),
        "gradient/dense_1/kernel": ([width, 1], by_kernel),
        "gradient/dense_1/bias": ([1], [by_bias]),
    }


def send(message, payload=b""):
    """One message to standard output, where nothing else may be written."""
    line = json.dumps({**message, "tensors": len(payload)})
    sys.stdout.buffer.write(line.encode() + b"\n" + payload)
    sys.stdout.buffer.flush()


batch = {}
send({"ok": True})
for line in iter(sys.stdin.buffer.readline, b""):
    request = json.loads(line)
    tensors = unpacked(sys.stdin.buffer.read(request["tensors"])) if request["tensors"] else {}
    if request["do"] == "batch":
        batch = tensors
    if request["do"] == "evaluate":
        send({"ok": True}, packed(evaluate(tensors, batch["inputs"], batch["targets"])))
    else:
        send({"ok": True})

# SPDX-License-Identifier: Apache-2.0
"""Reads an ONNX file back with Debian's python3-onnx, lets its checker and its
shape inference look at it, and runs it on the test images of a data set with
numpy, from the operators' definitions.

onnx_run.py MODEL DATASET: prints right answers and the classes' numbers, one a
line, in the order of the images."""
import json
import struct
import sys

import numpy as np
import onnx
from onnx import numpy_helper, shape_inference


def tensors(path):
    data = open(path, "rb").read()
    (n,) = struct.unpack("<Q", data[:8])
    head = json.loads(data[8:8 + n])
    kinds = {"U8": np.uint8, "U16": np.uint16, "F32": np.float32, "I64": np.int64}
    out = {}
    for name, t in head.items():
        if name != "__metadata__":
            a, b = t["data_offsets"]
            out[name] = np.frombuffer(data[8 + n + a:8 + n + b], kinds[t["dtype"]]).reshape(t["shape"])
    return out


def windows(x, kernel, strides, pads, fill):
    x = np.pad(x, ((0, 0), (0, 0), (pads[0], pads[2]), (pads[1], pads[3])), constant_values=fill)
    v = np.lib.stride_tricks.sliding_window_view(x, kernel, axis=(2, 3))
    return v[:, :, ::strides[0], ::strides[1]]


def conv(x, w, b, attr):
    g = attr["group"]
    v = windows(x.astype(np.float64), attr["kernel_shape"], attr["strides"], attr["pads"], 0)
    n, _, oh, ow = v.shape[:4]
    v = v.reshape(n, g, x.shape[1] // g, oh, ow, *attr["kernel_shape"])
    k = w.astype(np.float64).reshape(g, w.shape[0] // g, *w.shape[1:])
    y = np.einsum("ngchwij,gocij->ngohw", v, k, optimize=True).reshape(n, w.shape[0], oh, ow)
    if b is not None:
        y = y + b.reshape(1, -1, 1, 1)
    return y.astype(np.float32)


def by_axis(v, like, axis):
    return v if v.ndim == 0 else v.reshape([-1 if i == axis else 1 for i in range(like.ndim)])


def run(op, i, attr):
    x = i[0]
    if op == "QuantizeLinear":
        kind = np.iinfo(i[2].dtype)
        q = np.rint(x / i[1]) + i[2].astype(np.float32)
        return np.clip(q, kind.min, kind.max).astype(i[2].dtype)
    if op == "DequantizeLinear":
        axis = attr.get("axis", 1)
        return (x.astype(np.int32) - by_axis(i[2], x, axis).astype(np.int32)).astype(np.float32) * by_axis(i[1], x, axis)
    if op == "Conv":
        return conv(x, i[1], i[2] if len(i) > 2 else None, attr)
    if op == "Gemm":
        y = x.astype(np.float64) @ i[1].astype(np.float64).T
        return (y + (i[2] if len(i) > 2 else 0)).astype(np.float32)
    if op == "BatchNormalization":
        s, b, m, v = (t.astype(np.float64).reshape([1, -1] + [1] * (x.ndim - 2)) for t in i[1:])
        return ((x - m) / np.sqrt(v + attr["epsilon"]) * s + b).astype(np.float32)
    if op == "Relu":
        return np.maximum(x, 0)
    if op == "LeakyRelu":
        return np.where(x > 0, x, np.float32(attr["alpha"]) * x)
    if op == "Clip":
        x = x if i[1] is None else np.maximum(x, i[1])
        return x if len(i) < 3 or i[2] is None else np.minimum(x, i[2])
    if op == "Add":
        return x + i[1]
    if op == "MaxPool":
        return windows(x, attr["kernel_shape"], attr["strides"], attr["pads"], -np.inf).max(axis=(4, 5))
    if op == "AveragePool":
        assert attr["count_include_pad"] == 1
        return windows(x.astype(np.float64), attr["kernel_shape"], attr["strides"], attr["pads"], 0).mean(
            axis=(4, 5)).astype(np.float32)
    if op == "GlobalAveragePool":
        return x.astype(np.float64).mean(axis=(2, 3), keepdims=True).astype(np.float32)
    if op == "Flatten":
        return x.reshape(x.shape[0], -1)
    if op == "Reshape":
        return x.reshape([x.shape[k] if d == 0 else d for k, d in enumerate(i[1])])
    raise SystemExit("an operator that nobody asked for: " + op)


def main():
    model = onnx.load(sys.argv[1])
    onnx.checker.check_model(model, full_check=True)
    shapes = shape_inference.infer_shapes(model, strict_mode=True)
    assert len(shapes.graph.value_info) >= len(model.graph.node) - 1
    meta = {p.key: p.value for p in model.metadata_props}
    mean, std = (np.array([float(v) for v in meta[k].split(",")]).reshape(1, -1, 1, 1) for k in ("mean", "std"))
    data = tensors(sys.argv[2])
    images, labels = data["test_images"], data["test_labels"]
    v = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
    v["input"] = ((images / 255.0 - mean) / std).astype(np.float32)
    for n in model.graph.node:
        attr = {a.name: onnx.helper.get_attribute_value(a) for a in n.attribute}
        v[n.output[0]] = run(n.op_type, [v[k] if k else None for k in n.input], attr)
        want = [d.dim_value for i in shapes.graph.value_info if i.name == n.output[0] for d in i.type.tensor_type.shape.dim]
        assert not want or list(v[n.output[0]].shape[1:]) == want[1:], (n.name, want)
    out = v[model.graph.output[0].name].argmax(axis=1)
    print((out == labels).sum())
    print("\n".join(str(p) for p in out))


main()

"""Writes the small files of this folder with PyTorch and with the onnx package; run it with both installed.

    python tests/weights/golden/make_foreign.py

The values are those of `tests.weights.tiny.weights()`.
"""

import sys
from collections import OrderedDict
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[2]))

from tests.weights import tiny  # noqa: E402


def pytorch():
    import torch

    values = tiny.torchvision(tiny.weights())
    state = OrderedDict((name, torch.from_numpy(array)) for name, array in values.items())
    torch.save(state, HERE / "zip.pth")
    torch.save(state, HERE / "legacy.pth", _use_new_zipfile_serialization=False)
    torch.save(state, HERE / "protocol4.pth", pickle_protocol=4)

    # A training checkpoint: a state dict inside, of parameters on several devices' wrapper, with things beside it.
    wrapped = OrderedDict((f"module.{name}", torch.nn.Parameter(tensor)) for name, tensor in state.items())
    torch.save({"epoch": 7, "accuracy": np.float64(0.5), "state_dict": wrapped}, HERE / "checkpoint.pth")

    # Two tensors on one storage, one of them not contiguous, and other dtypes.
    odd = OrderedDict(state)
    pair = torch.cat([state["features.12.bias"], state["features.14.bias"]])
    odd["features.12.bias"], odd["features.14.bias"] = pair[:8], pair[8:]
    odd["features.12.weight"] = state["features.12.weight"].transpose(0, 3).contiguous().transpose(0, 3)
    odd["features.14.weight"] = state["features.14.weight"].bfloat16()
    odd["features.16.weight"] = state["features.16.weight"].half()
    odd["features.19.weight"] = state["features.19.weight"].double()
    torch.save(odd, HERE / "odd.pth")
    torch.save(torch.nn.Sequential(torch.nn.Linear(2, 2)), HERE / "whole_model.pth")


def onnx():
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    values = tiny.weights()
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 3, 224, 224])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", tiny.CLASSES])
    nodes, initialisers, tensor = [], [], "x"

    def keep(name, array):
        initialisers.append(numpy_helper.from_array(np.ascontiguousarray(array), name))

    for index, slot in enumerate(tiny.SLOTS):
        weight, bias, out = f"onnx::W_{100 + index}", f"b_{index}", f"t{index}"
        array = values[f"{slot.name}.weight"]
        if not slot.top:
            nodes.append(helper.make_node("Conv", [tensor, weight, bias], [f"{out}_"], pads=[1, 1, 1, 1]))
            nodes.append(helper.make_node("Relu", [f"{out}_"], [out]))
        elif slot.name == "fc7":  # as a MatMul and an Add, (in, out)
            array = array.T
            nodes.append(helper.make_node("MatMul", [tensor, weight], [f"{out}_"]))
            nodes.append(helper.make_node("Add", [f"{out}_", bias], [out]))
        else:
            nodes.append(helper.make_node("Gemm", [tensor, weight, bias], [out], transB=1))
        tensor = out
        keep(weight, array)
        keep(bias, values[f"{slot.name}.bias"])
    nodes[-1].output[0] = "y"
    keep("shape", np.array([1, -1], np.int64))
    initialisers.reverse()  # the order of the nodes counts, not that of the initialisers
    graph = helper.make_graph(nodes, "tiny", [x], [y], initialisers)
    onnx.save(helper.make_model(graph), HERE / "raw.onnx")
    for initialiser in graph.initializer:  # the same values, one by one in their field instead of as bytes
        if initialiser.data_type == TensorProto.FLOAT:
            array = numpy_helper.to_array(initialiser)
            initialiser.CopyFrom(helper.make_tensor(initialiser.name, TensorProto.FLOAT, array.shape, array.ravel()))
    onnx.save(helper.make_model(graph), HERE / "fields.onnx")


if __name__ == "__main__":
    pytorch()
    onnx()

"""Writes onnx_cases.npz: ONNX's node cases for our layers, from the files in the package `onnx` 1.17.

    pip install onnx==1.17.0
    python tests/conformance/make_onnx_cases.py

Every case of the operators below is listed with its attributes; the arrays are kept for those that `scope.py` has in
scope. Nothing is computed here: inputs and outputs are ONNX's own, Apache License 2.0, https://github.com/onnx/onnx.
"""

import json
from pathlib import Path

import numpy as np
import onnx
from onnx import helper, numpy_helper

from tests.conformance.scope import OUT_OF_SCOPE

OPERATORS = (
    "Conv MaxPool AveragePool LpPool Relu LeakyRelu Elu Sigmoid Tanh Softmax LRN BatchNormalization Gemm Flatten "
    "GlobalAveragePool"
).split()


def main():
    root = Path(onnx.__file__).parent / "backend" / "test" / "data" / "node"
    cases, arrays = {}, {}
    for folder in sorted(root.iterdir()):
        nodes = onnx.load(folder / "model.onnx").graph.node
        if len(nodes) != 1 or nodes[0].op_type not in OPERATORS:
            continue  # another operator, or one of ours written out in simpler ones
        name = folder.name.removeprefix("test_")
        cases[name] = {"operator": nodes[0].op_type, "attributes": attributes(nodes[0])}
        if name not in OUT_OF_SCOPE:
            arrays |= {f"{name}/{kind}": array for kind, array in read(folder / "test_data_set_0")}
    path = Path(__file__).with_name("onnx_cases.npz")
    np.savez_compressed(path, cases=np.array(json.dumps(cases)), **arrays)
    print(f"{path.name}: {len(cases)} cases, {len(cases) - len(OUT_OF_SCOPE)} with arrays, {path.stat().st_size} bytes")


def attributes(node):
    found = {one.name: helper.get_attribute_value(one) for one in node.attribute}
    return {key: value.decode() if isinstance(value, bytes) else value for key, value in found.items()}


def read(folder):
    for path in sorted(folder.glob("*.pb")):
        tensor = onnx.TensorProto()
        tensor.ParseFromString(path.read_bytes())
        yield path.stem, numpy_helper.to_array(tensor)


if __name__ == "__main__":
    main()

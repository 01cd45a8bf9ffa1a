"""Writes onnx_cases.npz: ONNX's node cases for our layers, from the files in the package `onnx` 1.17.

    pip install onnx==1.17.0
    python -m tests.conformance.make_onnx_cases

Every case of the operators below is listed with its attributes; the arrays are kept for those that `scope.py` has in
scope. Files that are there stay as they are: what came into scope since goes into a further one, so that the history of
the repository does not keep every array twice. Nothing is computed here: inputs and outputs are ONNX's own, Apache
License 2.0, https://github.com/onnx/onnx.
"""

import json
from pathlib import Path

import numpy as np
import onnx
from onnx import helper, numpy_helper

from tests.conformance.scope import OUT_OF_SCOPE

FOLDER = Path(__file__).parent
OPERATORS = (
    "Conv MaxPool AveragePool LpPool Relu LeakyRelu Elu Sigmoid Tanh Softmax LRN BatchNormalization Gemm Flatten "
    "GlobalAveragePool"
).split()


def main():
    root = Path(onnx.__file__).parent / "backend" / "test" / "data" / "node"
    kept = {key for path in FOLDER.glob("onnx_cases*.npz") for key in np.load(path)}
    cases, arrays = {}, {}
    for folder in sorted(root.iterdir()):
        nodes = onnx.load(folder / "model.onnx").graph.node
        if len(nodes) != 1 or nodes[0].op_type not in OPERATORS:
            continue  # another operator, or one of ours written out in simpler ones
        name = folder.name.removeprefix("test_")
        cases[name] = {"operator": nodes[0].op_type, "attributes": attributes(nodes[0])}
        if name not in OUT_OF_SCOPE:
            arrays |= {f"{name}/{kind}": array for kind, array in read(folder / "test_data_set_0")}
    new = {"cases": np.array(json.dumps(cases)), **arrays}
    new = {key: array for key, array in new.items() if key not in kept}
    print(f"{len(cases)} cases, {len(cases) - len(OUT_OF_SCOPE)} in scope, {len(new)} arrays not stored yet")
    if new:
        number = len(list(FOLDER.glob("onnx_cases*.npz"))) + 1
        np.savez_compressed(FOLDER / (f"onnx_cases_{number}.npz" if kept else "onnx_cases.npz"), **new)


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

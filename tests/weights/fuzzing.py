"""What every fuzzer of the weights does with a file: read it, or get one `WeightsError` with a sentence.

Run by itself it is a coverage-guided fuzzer (it needs the package atheris): `python -m tests.weights.fuzzing CORPUS
-max_total_time=60`; libFuzzer's options apply. `tests/weights/test_fuzz.py` runs it for a bounded time.
"""

import json
import os
import pickle
import sys
import tempfile
import tracemalloc
from pathlib import Path

import numpy as np

from nnbasics.errors import WeightsError

GOLDEN = Path(__file__).parent / "golden"
APART = (b"\x89HDF\r\n\x1a\n", b"MATLAB 5.0 MAT-file")  # read in a process of their own, a second each
ALLOWANCE = 16 << 20  # for what Python itself needs on the way


def feed(content, folder):
    """Read `content` in each way that a file can come in; anything but a `WeightsError` is a defect."""
    from nnbasics.weights import load, readers
    from nnbasics.weights.conversion import describe, recognise

    path = Path(folder) / "file"
    path.write_bytes(content)
    for read in (readers.read, load):
        try:
            found = read(path)
            if read is readers.read:
                list(describe(recognise(found[0].tensors)))
        except WeightsError as error:
            check_message(str(error), path)


def check_message(text, path):
    """One line that begins with the file and holds nothing a terminal would obey."""
    assert text.startswith(str(path)), text
    assert text.isprintable() and len(text) < 800, text


def feed_measured(content, folder):
    """As `feed`, and no more memory than twice the file."""
    tracemalloc.start()
    try:
        feed(content, folder)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 2 * len(content) + ALLOWANCE, f"{peak:,} bytes for a file of {len(content):,}"


def seeds():
    """Small honest files of every kind that is read in this process."""
    found = {path.name: path.read_bytes() for path in GOLDEN.iterdir() if path.suffix in (".pth", ".onnx")}
    arrays = {"conv1_1.weight": np.ones((2, 3, 3, 3), np.float32), "conv1_1.bias": np.zeros(2, np.float16)}
    with tempfile.TemporaryDirectory() as folder:
        from nnbasics.weights import save

        save(f"{folder}/a", arrays, {"name": "a"})
        found["a.safetensors"] = Path(folder, "a").read_bytes()
        for name, write in (("a.npz", np.savez), ("b.npz", np.savez_compressed)):
            write(f"{folder}/{name}", **arrays)
            found[name] = Path(folder, name).read_bytes()
    found["a.pkl"] = pickle.dumps({"AlexNet_0": {"Conv_0": {"kernel": arrays["conv1_1.weight"]}}}, 3)
    model = {"weightsManifest": [{"paths": [], "weights": [{"name": "a/bias", "shape": [0], "dtype": "float32"}]}]}
    found["model.json"] = json.dumps(model).encode()
    return found


def main():
    import atheris

    with atheris.instrument_imports(include=["nnbasics.weights", "zipfile", "numpy.lib.format"]):
        import nnbasics.weights.readers.npz
        import nnbasics.weights.readers.numpy_pickle
        import nnbasics.weights.readers.onnx
        import nnbasics.weights.readers.own
        import nnbasics.weights.readers.pytorch
        import nnbasics.weights.readers.tfjs
        import nnbasics.weights.store  # noqa: F401

    corpus = Path(sys.argv[1])
    for name, content in seeds().items():
        (corpus / name).write_bytes(content)
    folder = tempfile.mkdtemp(dir="/dev/shm" if os.path.isdir("/dev/shm") else None)

    def once(data):
        if not data.startswith(APART):
            feed(data, folder)

    atheris.Setup(sys.argv, once)
    atheris.Fuzz()


if __name__ == "__main__":
    main()

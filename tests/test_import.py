"""What `import nnbasics` brings in: the layers, and nothing that is slow to load or compiles."""

import subprocess
import sys

SLOW = ["scipy", "matplotlib", "PIL", "safetensors", "tqdm", "torch"]


def run(code):
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return result.stdout.strip()


def test_import_leaves_the_slow_libraries_alone():
    assert run(f"import sys, nnbasics; print([name for name in {SLOW} if name in sys.modules])") == "[]"


def test_import_compiles_nothing():
    """Numba's dispatchers know what they have compiled."""
    code = """
import sys, nnbasics, nnbasics.optimizers, nnbasics.losses
from numba.core.dispatcher import Dispatcher
compiled = [
    f"{module.__name__}.{name}"
    for module in list(sys.modules.values())
    if module is not None and module.__name__.startswith("nnbasics")
    for name, thing in vars(module).items()
    if isinstance(thing, Dispatcher) and thing.signatures
]
print(compiled)
"""
    assert run(code) == "[]"


def test_the_public_names_are_there():
    import nnbasics

    missing = [name for name in nnbasics.__all__ if not hasattr(nnbasics, name)]
    assert not missing

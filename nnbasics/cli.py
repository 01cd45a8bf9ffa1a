"""The command line: words in, calls out. No arithmetic, no defaults of its own.

Whatever is wrong with what was given becomes one line on stderr and exit code 2; Ctrl-C exits with 130.
"""

import argparse
import signal
import sys

from nnbasics.errors import UserError, nearest
from nnbasics.version import __version__


class Parser(argparse.ArgumentParser):
    """argparse with one clear line for an error, and the nearest right word in it."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **{"allow_abbrev": False, **kwargs})

    def error(self, message):
        fail(f"{self.prog}: {message} (see {self.prog} --help)")

    def parse_known_args(self, args=None, namespace=None):
        found, rest = super().parse_known_args(args, namespace)
        for word in rest:
            if word.startswith("-") and word != "-":
                name = word.partition("=")[0]
                self.error(f"there is no flag {name}; {nearest(name, self._option_string_actions)}")
        if rest:
            self.error(f"too many words: {' '.join(rest)}")
        return found, rest

    def _check_value(self, action, value):
        if action.choices is not None and value not in action.choices:
            raise argparse.ArgumentError(action, f"{value!r} is unknown; {nearest(value, action.choices)}")


def fail(message):
    """Say what is wrong, in one line, and end with exit code 2."""
    print(" ".join(str(message).split()), file=sys.stderr)
    raise SystemExit(2)


def parser():
    """The whole command line; each room brings its own commands."""
    from nnbasics import classify
    from nnbasics.style import command as style
    from nnbasics.style import demo, grid, remake, videocommand
    from nnbasics.visualize import command as visualize
    from nnbasics.weights import command as weights

    whole = Parser(prog="nnbasics", description="Deep learning from scratch in NumPy, up to a VGG-19 that paints.")
    whole.add_argument("--version", action="version", version=f"nnbasics {__version__}")
    commands = whole.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for room in (style, grid, remake, videocommand, demo, visualize, classify, weights):
        room.register(commands)
    return whole


def main(words=None):
    """Run the command line; return the exit code."""
    try:
        arguments = parser().parse_args(words)
        return arguments.run(arguments) or 0
    except UserError as problem:
        fail(f"nnbasics: {problem}")
    except MemoryError as problem:
        fail(f"nnbasics: not enough memory ({problem}); a smaller --size needs less")
    except KeyboardInterrupt:
        print("\nnnbasics: stopped; nothing was written", file=sys.stderr)
        return 128 + signal.SIGINT
    except BrokenPipeError:  # whoever read our output has gone: `nnbasics weights list | head -1`
        sys.stdout = None
        return 0

"""python -m notebooks [LECTURE ...]: execute the lectures, put an .ipynb beside each, and fail if one breaks a rule."""

import argparse
import os
import sys
from pathlib import Path

HERE = Path(__file__).parent


def main():
    parser = argparse.ArgumentParser(prog="python -m notebooks", description="Build the lectures' notebooks.")
    parser.add_argument("lectures", nargs="*", metavar="LECTURE", help="beginning of a name, such as 03; default: all")
    parser.add_argument("--force", action="store_true", help="execute what has not changed, too (also if CI is set)")
    parser.add_argument("--folder", type=Path, default=HERE, help=argparse.SUPPRESS)
    given = parser.parse_args()
    try:
        from notebooks.making.build import build
        from notebooks.making.lecture import Fault
    except ModuleNotFoundError as missing:
        print(f'notebooks: {missing.name} is not installed; pip install -e ".[notebooks]"', file=sys.stderr)
        return 2
    try:
        return build(given.folder, given.lectures, force=given.force or bool(os.environ.get("CI")))
    except Fault as fault:
        print(f"notebooks: {fault}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("stopped; what is finished is kept")
        return 130


if __name__ == "__main__":
    sys.exit(main())

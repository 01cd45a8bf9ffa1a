"""The figures of the README and the docs, the most important first: python -m benchmarks [NAME ...], or make bench.

Each writes its table when it is done, so after an interruption name those that are missing.
"""

import importlib
import sys
import time

NAMES = ("closure", "layers", "training", "ideas", "roofline", "accuracy", "memory", "flicker", "tsne", "quality")


def main(names):
    unknown = [name for name in names if name not in NAMES]
    if unknown:
        sys.exit(f"no benchmark is called {unknown[0]!r}; choose from {', '.join(NAMES)}")
    names = names or NAMES
    failed, begin = [], time.monotonic()
    for number, name in enumerate(names, 1):
        minutes = (time.monotonic() - begin) / 60
        print(f"[{number}/{len(names)}] {name}, after {minutes:.1f} minutes", file=sys.stderr, flush=True)
        try:
            importlib.import_module(f"benchmarks.{name}").main()
        except (Exception, SystemExit) as failure:  # the others can be measured nevertheless
            failed.append(name)
            print(f"{name}: {type(failure).__name__}: {failure}", file=sys.stderr, flush=True)
    print(f"{(time.monotonic() - begin) / 60:.1f} minutes", file=sys.stderr)
    if failed:
        sys.exit(f"failed: {', '.join(failed)}; again: python -m benchmarks {' '.join(failed)}")


if __name__ == "__main__":
    main(sys.argv[1:])

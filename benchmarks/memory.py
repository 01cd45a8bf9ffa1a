"""Memory foretold against the peak, for runs of every kind. Run: python -m benchmarks.memory [WORD ...]

Each is a command as one types it, in a process of its own: what its plan foretells before it starts, and the most that
the process had, from its first import to the written picture. With words, only those that have one of them.
"""

import json
import os
import subprocess
import sys
import tempfile

from benchmarks import report
from nnbasics.data import picture as pictures

STYLE = "style cat starry_night -o out.png"
TWO = "style cat starry_night great_wave -o out.png"
CASES = {
    "256 px": f"{STYLE} --size 256 --iterations 3",
    "512 px, the history full": f"{STYLE} --iterations 52",
    "1024 px": f"{STYLE} --size 1024 --iterations 3",
    "adam": f"{STYLE} --size 1024 --iterations 2 --optimizer adam",
    "tiles": f"{STYLE} --size 1024 --iterations 2 --tile 512",
    "an allowance": f"{STYLE} --size 1024 --iterations 2 --memory 600MB",
    "total variation": f"{STYLE} --size 1024 --iterations 2 --tv-weight 300",
    "the formulas of keras": f"{STYLE} --iterations 3 --convention keras",
    "from noise, small sizes first": f"{STYLE} --iterations 80 --init noise",
    "from noise, adam": f"{STYLE} --iterations 3 --init noise --pyramid none --optimizer adam",
    "512 px before 1024": f"{STYLE} --size 1024 --iterations 6 --pyramid 512:4",
    "512 px before 1024, adam": f"{STYLE} --size 1024 --iterations 6 --pyramid 512:4 --optimizer adam",
    "a mask": f"{STYLE} --iterations 3 --mask circle.png",
    "a style mask": f"{STYLE} --iterations 3 --style-mask circle.png",
    "two styles and masks": f"{TWO} --iterations 3 --mask circle.png --mask rest",
    "two styles and masks in tiles": f"{TWO} --size 768 --iterations 3 --mask circle.png --mask rest --tile 400",
    "two styles, larger": f"{TWO} --size 384 --iterations 3 --style-scale 2",
    "the photograph's colours": f"{STYLE} --iterations 3 --color keep",
    "matched colours": f"{STYLE} --iterations 3 --color match-histogram --style-scale 1.5",
    "balanced layers": f"{STYLE} --iterations 3 --balance gradient",
    "a checkpoint": f"{STYLE} --iterations 52 --checkpoint out.ckpt --checkpoint-every 13",
    "a film of the walk": f"{STYLE} --iterations 24 --animate out.webp",
    "a clip of two frames": "video clip starry_night -o clip.webp --size 384 --iterations 20",
    "a sheet of four": "grid cat starry_night -o sheet.png --size 256 --iterations 4 --rows style_weight=1x,3x "
    "--columns color=style,keep",
}


def main(words=()):
    rows = []
    for name, command in CASES.items():
        if words and not any(word in f"{name} {command}" for word in words):
            continue
        foretold, peak = measured(command)
        bytes_shown = [f"{number / 1e6:.0f} MB" for number in (foretold, peak)]
        rows.append([name, f"`{command}`", *bytes_shown, f"{foretold / peak:.2f}"])
        print(" ".join(rows[-1]), file=sys.stderr, flush=True)
    head = ["", "`nnbasics ...`", "foretold", "peak", "foretold, of the peak"]
    report.write("memory", "Memory foretold before a run, and its peak", head, rows, "One run each.")


def measured(command):
    """(bytes foretold, bytes at the peak) of a command."""
    with tempfile.TemporaryDirectory() as folder:
        _ingredients(folder)
        serve = [sys.executable, "-m", "benchmarks.memory", "--serve", *command.split()]
        path = os.pathsep.join([str(report.TOP), os.environ.get("PYTHONPATH", "")])
        done = subprocess.run(serve, cwd=folder, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"nnbasics {command}: {done.stderr[-500:]}")
    return json.loads(done.stdout.splitlines()[-1])


def _ingredients(folder):
    """The files that the commands name: a mask, and a clip of two frames."""
    from benchmarks.flicker import clip
    from benchmarks.settings import circle

    pictures.write(os.path.join(folder, "circle.png"), circle(0.3)[..., None].repeat(3, axis=2))
    os.mkdir(os.path.join(folder, "clip"))
    for number, frame in enumerate(clip()[:2]):
        pictures.write(os.path.join(folder, "clip", f"{number}.png"), frame)


def _serve(words):
    """Run a command, and print what its first plan foretold and what it took."""
    from nnbasics import cli
    from nnbasics.style import memory, plan

    foretold, fitted = [], plan.fitted

    def noted(*given):
        settings, found = fitted(*given)
        foretold.append(found.bytes)
        return settings, found

    plan.fitted = noted
    if cli.main(words):
        sys.exit(1)
    print(json.dumps([foretold[0], memory.peak()]))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--serve"]:
        _serve(sys.argv[2:])
    else:
        main(sys.argv[1:])

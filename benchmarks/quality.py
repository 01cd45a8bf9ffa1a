"""Time to quality: how long until the loss is as low as PyTorch's L-BFGS gets. Run: python -m benchmarks.quality [SIZE]

The shipped cat and The Starry Night, from the content and from white noise. PyTorch walks as its users do: by
`torch.optim.LBFGS` with a history of 100, for 500 evaluations of loss and gradient. From noise it needs its line
search (strong Wolfe); without, it leaves the numbers that float32 can hold. We walk as `stylize` does, with nothing set
but the size. Both minimise the same loss at full size, and only what the pictures lose counts: ours without the price
on values outside [0, 1], which only we pay. They take turns, as long as they are likely to need, so that both end
together.
"""

import json
import sys
import time

import numpy as np
from PIL import Image

from benchmarks import contenders, report
from benchmarks.interleave import Process
from nnbasics.data import picture as pictures
from nnbasics.style.run import Run
from nnbasics.style.settings import Settings

CONTENT, STYLE = "cat", "starry_night"
EVALUATIONS = 500
TURNS = {"ours": 8, "torch": 24}  # seconds
INITS = ("content", "noise")


def main(size=512, evaluations=EVALUATIONS, inits=INITS):
    rows, curves, painted = [], {}, []
    for init in inits:
        curves[init], ends = race(size, init, evaluations)
        rows.append([init, *compared(curves[init], ends)])
        painted.append(np.concatenate([ends[who]["picture"] for who in TURNS], axis=1))
    head = ["from", "PyTorch's evaluations", "its time", "its loss, of the start's"]
    head += ["our evaluations to there", "our time", "times as fast", "our saved picture's loss", "PyTorch's"]
    title = f"Time to quality: {CONTENT} and {STYLE} at {size} px, two threads"
    note = "One walk each, in turns; the loss of a saved picture, which is clipped to [0, 1], is in parts of the level."
    report.write("quality", title, head, rows, f"{note}\n\n{report.machine()}")
    there = [[f"from {row[0]}", row[3], row[6] or row[4], f"{float(row[7]) / float(row[8]):.2f}"] for row in rows]
    head = ["", "loss, of the start's", "there so many times as fast", "loss of the saved picture, of PyTorch's"]
    report.write("reached", f"As low as PyTorch's L-BFGS after {evaluations} evaluations, {size} px", head, there)
    plot(curves)
    sheet = Image.fromarray(np.uint8(np.concatenate(painted)))  # ours on the left
    sheet.save(report.RESULTS / "quality.jpg", quality=60)


def race(size, init, evaluations):
    """{who: its curve, (evaluations, seconds, loss) by row} and {who: the picture that it would save, and its loss}."""
    processes = {who: Process(f"{who} {size} {init} {evaluations}", "benchmarks.quality") for who in TURNS}
    curves, ends = {who: [] for who in TURNS}, {}
    try:
        while len(ends) < len(processes):
            for who in TURNS.keys() - ends.keys():
                answer = json.loads(processes[who].tell(f"{TURNS[who]}"))
                curves[who] += answer["curve"]
                if "picture" in answer:
                    ends[who] = answer
    finally:
        for process in processes.values():
            process.close()
    return {who: np.array(curve) for who, curve in curves.items()}, ends


def compared(curves, ends):
    """The cells of a row."""
    evaluations, seconds, losses = curves["torch"].T
    level, (ours, our_seconds, our_losses) = losses.min(), curves["ours"].T
    cells = [f"{evaluations[-1]:.0f}", f"{seconds[-1]:.0f} s", f"{level / losses[0]:.5f}"]
    there = our_losses <= level
    if there.any():
        first = there.argmax()
        cells += [f"{ours[first]:.0f}", f"{our_seconds[first]:.0f} s", f"{seconds[-1] / our_seconds[first]:.1f}"]
    else:
        cells += [f"not in {ours[-1]:.0f}", "", ""]
    return [*cells, *(f"{ends[who]['loss'] / level:.2f}" for who in ("ours", "torch"))]


def plot(curves):
    """results/quality.png: the loss by seconds, in parts of PyTorch's last."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figure, every = plt.subplots(1, len(curves), figsize=(9, 3.6), layout="constrained", sharey=True, squeeze=False)
    for axes, (init, walks) in zip(every[0], curves.items(), strict=True):
        for who, label, colour in (("torch", "PyTorch", "tab:grey"), ("ours", "nnbasics", "tab:blue")):
            _, seconds, losses = walks[who].T
            axes.semilogx(
                seconds, np.minimum.accumulate(losses) / walks["torch"][:, 2].min(), label=label, color=colour
            )
        axes.axhline(1, color="black", linewidth=0.5)
        axes.set(title=f"from {init}", xlabel="seconds", ylim=(0.9, 3))
    every[0, 0].set_ylabel("loss, of PyTorch's at the end")
    every[0, 0].legend()
    figure.savefig(report.RESULTS / "quality.png", dpi=110)
    plt.close(figure)


# ---- a walker, in a process of its own -------------------------------------------------------------------------------


class Turns:
    """Notes the losses with the seconds spent on the way to them, and waits when the turn is over."""

    def __init__(self):
        print("ready", flush=True)
        self._rows, self._seconds = [], 0.0
        self._wait()

    def _wait(self):
        line = sys.stdin.readline()
        if not line:
            raise SystemExit
        self._length, self._begin = float(line), time.perf_counter()

    def note(self, evaluations, loss):
        passed = time.perf_counter() - self._begin
        self._rows.append((evaluations, self._seconds + passed, loss))
        if passed > self._length:
            self._answer()
            self._seconds += passed
            self._wait()

    def end(self, picture, loss):
        self._answer(picture=picture, loss=loss)

    def _answer(self, **more):
        print(json.dumps({"curve": self._rows, **more}), flush=True)
        self._rows = []


def _ours(run, evaluations):
    turns = Turns()
    for progress in run:
        row = progress.row
        if row.size == run.settings.size:
            turns.note(row.evaluations, row.content + row.style)
        if row.evaluations >= evaluations:
            break
    return turns, run.result.image


def _torch(run, evaluations):
    import torch

    torch.set_num_threads(2)
    content, style = (_array(name, shape) for name, shape in zip((CONTENT, STYLE), _shapes(run), strict=True))
    loss = contenders.torch_loss(content, style, run.objective.style_layers)
    x = torch.from_numpy(run.walk.picture().copy())
    ours, theirs = run.objective(x.numpy())[0], float(loss(x).detach())
    if abs(ours - theirs) > 1e-3 * ours:
        raise SystemExit(f"not the same loss: {ours} and {theirs}")
    x.requires_grad_(True)
    from_noise = run.settings.init == "noise"
    optimizer = torch.optim.LBFGS(
        [x], lr=1, history_size=100, max_iter=evaluations, max_eval=evaluations, tolerance_grad=0, tolerance_change=0,
        line_search_fn="strong_wolfe" if from_noise else None,
    )  # fmt: skip
    turns, done = Turns(), 0

    def closure():
        nonlocal done
        optimizer.zero_grad()
        value = loss(x)
        value.backward()
        done += 1
        turns.note(done, float(value.detach()))
        return value

    optimizer.step(closure)
    return turns, x.detach().numpy()[0].transpose(1, 2, 0).clip(0, 1)


def _shapes(run):
    return run.ingredients.shapes(run.settings.size)


def _array(name, shape):
    import torch

    picture = pictures.resize_to(pictures.read(name), *shape[2:])
    return torch.from_numpy(np.ascontiguousarray(picture.transpose(2, 0, 1)[None], np.float32))


def _serve(who, size, init, evaluations):
    evaluations = int(evaluations)
    pyramid = {"ours": None, "torch": "none"}[who]
    run = Run(CONTENT, STYLE, Settings(size=int(size), init=init, iterations=evaluations, pyramid=pyramid))
    turns, image = {"ours": _ours, "torch": _torch}[who](run, evaluations)
    saved = np.ascontiguousarray(image.transpose(2, 0, 1)[None], np.float32)
    turns.end(np.rint(image * 255).astype(int).tolist(), run.objective(saved)[0])


if __name__ == "__main__":
    if sys.argv[1:2] and sys.argv[1] in TURNS:
        _serve(*sys.argv[1:])
    else:
        main(*map(int, sys.argv[1:]))

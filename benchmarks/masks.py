"""What several styles and masks cost an evaluation. Run: python -m benchmarks.masks"""

import time

import numpy as np

from benchmarks.interleave import ratio
from nnbasics.data import picture as pictures
from nnbasics.models import vgg19
from nnbasics.style import Objective, Settings

ROUNDS = 9
SIZES = (256, 512)


def main():
    net = vgg19()
    for size in SIZES:
        objectives = contenders(net, size)
        seconds = {name: [] for name in objectives}
        for _ in range(ROUNDS):
            for name, (objective, x) in objectives.items():
                began = time.perf_counter()
                objective(x)
                seconds[name].append(time.perf_counter() - began)
        plain, *others = seconds
        for name in others:
            times = ratio(np.array(seconds[name]), np.array(seconds[plain]))
            print(f"{size} px, {name}: {times} times as long as one style everywhere", flush=True)


def contenders(net, size):
    """{name: (objective, picture)}; the plain one first."""
    content, first, second = (array(name, size) for name in ("cat", "starry_night", "great_wave"))
    across = np.indices(content.shape[2:])[1] / content.shape[3]
    half = (across < 0.5).astype(np.float32)
    soft = np.clip((0.7 - across) / 0.4, 0, 1).astype(np.float32)
    settings = Settings()
    weights = {"content_layers": settings.content_layers, "style_layers": settings.style_layers}

    def objective(styles, **options):
        return Objective(net, content, styles, content_weight=1, style_weight=1e7, **weights, **options), content

    return {
        "one style": objective(first),
        "two styles": objective([first, second]),
        "two regions": objective([first, second], masks=[half, 1 - half]),
        "two regions with a soft edge": objective([first, second], masks=[soft, 1 - soft]),
    }


def array(name, size):
    return np.ascontiguousarray(pictures.resize(pictures.read(name), size).transpose(2, 0, 1)[None])


if __name__ == "__main__":
    main()

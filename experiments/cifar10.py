"""ResNet-20 on CIFAR-10. Run: python -m experiments.cifar10 resnet20"""

import numpy as np

from experiments.harness import Experiment, main
from nnbasics import SGD
from nnbasics.data import cifar10
from nnbasics.data.augment import crop, flip
from nnbasics.models import resnet
from nnbasics.schedules import cosine

MIDDLE = np.float32(0.47)  # about the mean of all values


def pictures(part):
    x, labels = cifar10.load(part)
    return np.subtract(x, MIDDLE, out=x), labels


def moved(x, rng):
    """Every picture moved by up to four pixels, half of them mirrored: He's augmentation."""
    return flip(crop(4)(x, rng), rng)


EXPERIMENTS = {
    "resnet20": Experiment(
        name="resnet20-cifar10",
        command="python -m experiments.cifar10 resnet20",
        architecture="resnet20",
        net=lambda seed: resnet(20, rng=seed),
        load=pictures,
        optimizer=lambda: SGD(0.1, momentum=0.9),
        epochs=6,
        batch_size=64,
        how="momentum 0.9, the rate from 0.1 to 0 along a cosine; moved by up to 4 pixels, half of them mirrored. He "
        "has 182 epochs, a rate that falls in steps, and weight decay",
        credits=(
            "ResNet-20: Kaiming He, Xiangyu Zhang, Shaoqing Ren and Jian Sun, Deep residual learning for image "
            "recognition (2015)",
            "Trained by nnbasics on CIFAR-10: Alex Krizhevsky, Learning multiple layers of features from tiny images "
            "(2009)",
        ),
        preprocessing="RGB from 0 to 1, less 0.47",
        schedule=cosine(0.1, epochs=6),
        augment=moved,
    ),
}

if __name__ == "__main__":
    main(EXPERIMENTS)

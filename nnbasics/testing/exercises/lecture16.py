"""Exercises of 16-vgg-19."""

import numpy as np

from nnbasics.models import vgg
from nnbasics.testing.exercises.attempt import Exercise
from nnbasics.testing.exercises.marking import choice, function, whole


def pooled(width, height, poolings):
    for _ in range(poolings):
        width, height = width // 2, height // 2
    return [width, height]


def _by_the_network(width, height, poolings):
    """What the layers of the library say."""
    shape = (1, 3, height, width)
    for name, layer in vgg("A", top=False, rng="zeros").layers.items():
        shape = layer.output_shape(shape)
        if name == f"pool{poolings}":
            break
    return np.array([shape[3], shape[2]])


def _rounded_up(width, height, poolings):
    return [-(-width // 2**poolings), -(-height // 2**poolings)]


def _with_fractions(width, height, poolings):
    return [width / 2**poolings, height / 2**poolings]


def _divided(width, height, poolings):
    return [width // (2 * poolings), height // (2 * poolings)]


EXERCISES = [
    Exercise(
        name="16-vgg-19/size",
        question="A picture of 160x160 pixels goes into VGG-19. How wide are the maps of conv4_2?",
        mark=whole(
            20,
            [
                (10, "There are three poolings before conv4_2; the fourth comes after that block."),
                (160, "Convolutions keep the size; the three poolings before do not."),
                (40, "Three blocks end with a pooling before conv4_2: 80, 40, and once more."),
            ],
        ),
        hints=[
            "Convolutions keep the size. How many poolings are before conv4_2?",
            "pool1, pool2, pool3: 160 / 2 / 2 / 2.",
        ],
        answer=20,
        why="pool1 leaves 80, pool2 40, pool3 20, and the convolutions of the fourth block keep that.",
        wrong=[(10, "fourth comes after"), (160, "do not"), (40, "once more"), (21, "off by one")],
    ),
    Exercise(
        name="16-vgg-19/parameters",
        question="How many parameters has conv2_1, which turns 64 maps into 128 by filters of 3x3, biases included?",
        mark=whole(
            73856,
            [
                (73728, "Those are the weights; there are 128 biases too."),
                (73792, "One bias for each filter: 128, as many as there are maps that come out."),
                (1280, "Each filter goes through all 64 maps: 3x3x64 weights."),
                (8320, "Each weight stands at one of 3x3 places as well."),
            ],
        ),
        hints=["One filter has 3 * 3 * 64 weights and a bias.", "There are 128 filters: 128 * (576 + 1)."],
        answer=73856,
        why="128 * (3 * 3 * 64 + 1) = 128 * 577. The picture's size is not in it: the filter is the same everywhere.",
        wrong=[(73728, "128 biases"), (73792, "One bias for each"), (1280, "all 64 maps"), (73857, "off by one")],
    ),
    Exercise(
        name="16-vgg-19/pooled",
        question=(
            "Write a function: `pooled(width, height, poolings)` gives [width, height] of the maps after so many of "
            "VGG's 2x2 poolings with stride 2, also for sizes that are no multiples of 32."
        ),
        mark=function(
            _by_the_network,
            [(224, 224, 5), (224, 160, 2), (451, 300, 3), (75, 99, 5)],
            [
                (_rounded_up, "A window that does not fit is left out: each pooling rounds down."),
                (_with_fractions, "There are no halves of positions: each pooling rounds down."),
                (_divided, "Each pooling halves: n of them divide by 2^n, not by 2n."),
            ],
        ),
        hints=[
            "One pooling makes w into (w - 2) // 2 + 1, which is w // 2.",
            "Do that `poolings` times, for both sides.",
        ],
        answer=pooled,
        why="(w - 2) // 2 + 1 = w // 2. A column that is left over is seen by no window.",
        wrong=[
            (_rounded_up, "rounds down"),
            (_with_fractions, "no halves"),
            (_divided, "2^n"),
            (lambda w, h, n: [h // 2**n, w // 2**n], "your function gives"),
        ],
    ),
    Exercise(
        name="16-vgg-19/any-size",
        question=(
            "Why does the style transfer take pictures of any size, and the classifier only 224x224? (a) The "
            "convolutions have other weights for every size. (b) fc6 has one weight for each of 7x7x512 numbers; a "
            "convolution's weights do not know the size. (c) Larger pictures do not fit into the memory. (d) The "
            "pooling divides by 32 in all, and 224 is the only multiple of it."
        ),
        mark=choice(
            "b",
            {
                "a": "A convolution has the same few weights at every position, whatever their number.",
                "c": "That is a limit of the machine, and the style transfer would have it, too.",
                "d": "256 is one as well, and with any size the convolutions and poolings run.",
            },
        ),
        hints=["Which layers have more weights for a larger picture?", "Look at fc6: 25088 inputs."],
        answer="b",
        why="512 * 7 * 7 = 25,088 inputs of fc6 have a weight each, for 4096 neurons. Without them any size will do.",
        wrong=[("a", "same few weights"), ("c", "limit of the machine"), ("d", "256 is one")],
    ),
]

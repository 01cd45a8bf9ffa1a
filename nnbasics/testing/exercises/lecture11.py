"""Exercises of 11-architectures."""

from nnbasics.testing.exercises.attempt import Exercise
from nnbasics.testing.exercises.marking import choice, number, whole

EXERCISES = [
    Exercise(
        name="11-architectures/vgg-two-small",
        question="Two 3x3 convolutions in a row see as far as one 5x5. All have 64 maps in and out, and no bias. How "
        "many weights do the two have, as a fraction of the weights of the one?",
        mark=number(
            18 / 25,
            [
                (9 / 25, "That is a single 3x3 convolution; there are two of them."),
                (25 / 18, "That is the other way round: the 5x5 as a multiple of the two."),
            ],
        ),
        hints=["A 3x3 convolution has 3 * 3 * 64 * 64 weights.", "64 * 64 stands in both counts and cancels."],
        answer=18 / 25,
        why="2 * 9 / 25 = 0.72: VGG sees as far with fewer weights, and has a ReLU more on the way.",
        wrong=[(9 / 25, "a single 3x3"), (25 / 18, "the other way round")],
    ),
    Exercise(
        name="11-architectures/one-by-one",
        question="In the inception module 3a the 5x5 convolution has 32 filters, on 16 maps that a 1x1 convolution "
        "makes of 192. How many times as many multiply-adds would the 5x5 filters on all 192 maps take, compared with "
        "1x1 and 5x5 together?",
        mark=number(
            153_600 / 15_872,
            [
                (12, "That compares the two 5x5 convolutions; the 1x1 before it, 192 * 16, has its price too."),
                (15_872 / 153_600, "That is the other way round."),
            ],
        ),
        hints=[
            "For each position, without the 1x1: 5 * 5 * 192 * 32 multiply-adds.",
            "With it: 1 * 1 * 192 * 16 + 5 * 5 * 16 * 32.",
        ],
        answer=153_600 / 15_872,
        why="153,600 against 3,072 + 12,800 = 15,872 for each position: 9.7 times as many.",
        wrong=[(12, "192 * 16, has its price"), (15_872 / 153_600, "other way round")],
    ),
    Exercise(
        name="11-architectures/fractal-depth",
        question="A FractalNet has 4 blocks of 5 columns. How many convolutions lie on its longest way?",
        mark=whole(
            64,
            [
                (20, "That is B * C. A column is twice as deep as the one before it, so the depth is a power of 2."),
                (128, "That is 4 * 2^5; with one column a block has one convolution, so the exponent is C - 1."),
                (124, "That is all of them, 4 * (1 + 2 + 4 + 8 + 16); the longest way has one column in each block."),
            ],
        ),
        hints=["f_1 has depth 1, and f_{C+1} has f_C twice, one behind the other.", "B * 2^(C - 1)"],
        answer=64,
        why="4 * 2^4 = 64: each column more doubles the depth.",
        wrong=[(20, "B * C"), (128, "exponent is C - 1"), (124, "all of them")],
    ),
    Exercise(
        name="11-architectures/where",
        question='Where does AlexNet have most of its parameters? "a" in the five convolutions, "b" in the first fully '
        'connected layer, "c" in the last fully connected layer.',
        mark=choice(
            "b",
            {
                "a": "They have less than a tenth: a filter is small, and serves every position.",
                "c": "It has 4096 * 1000 weights, 4 million of 61.",
            },
        ),
        hints=["Look at the column of parameters in AlexNet's table.", "Which layer has 9216 inputs?"],
        answer="b",
        why="9216 * 4096 = 37.7 million weights, more than all other layers together.",
        wrong=[("a", "less than a tenth"), ("c", "4 million of 61")],
    ),
]

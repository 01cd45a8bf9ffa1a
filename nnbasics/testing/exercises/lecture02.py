"""Exercises of 02-xor-and-the-mlp."""

import numpy as np

from nnbasics.models import MLP
from nnbasics.testing.exercises.attempt import Exercise, Wrong
from nnbasics.testing.exercises.marking import array, as_array, choice, function, whole

CORNERS = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
XOR = np.array([-1, 1, 1, -1])


def forward(x, W1, b1, W2, b2):
    h = 1 / (1 + np.exp(-(W1 @ x + b1)))
    return 1 / (1 + np.exp(-(W2 @ h + b2)))


def _without_hidden_sigmoid(x, W1, b1, W2, b2):
    return 1 / (1 + np.exp(-(W2 @ (W1 @ x + b1) + b2)))


def _without_last_sigmoid(x, W1, b1, W2, b2):
    return W2 @ (1 / (1 + np.exp(-(W1 @ x + b1)))) + b2


def _without_biases(x, W1, b1, W2, b2):
    return forward(x, W1, 0 * b1, W2, 0 * b2)


def _wrong_sign(x, W1, b1, W2, b2):
    return 1 / (1 + np.exp(W2 @ (1 / (1 + np.exp(W1 @ x + b1))) + b2))


def _transposed(x, W1, b1, W2, b2):
    return forward(x, W1.T, b1, W2, b2)


def _by_the_library(x, W1, b1, W2, b2):
    net = MLP((W1.shape[1], W1.shape[0], W2.shape[0]), rng="zeros")
    for name, value in {"fc1.weight": W1, "fc1.bias": b1, "fc2.weight": W2, "fc2.bias": b2}.items():
        net.params[name] = value
    return net.forward(x[None])[0]


def _case(seed, inputs, hidden, outputs):
    rng = np.random.default_rng(seed)
    return tuple(rng.standard_normal(shape) for shape in [inputs, (hidden, inputs), hidden, (outputs, hidden), outputs])


def _three_perceptrons(answer):
    """Any nine weights that do it are right."""
    weights = as_array(answer)
    if weights.shape != (3, 3):
        raise Wrong(f"Three perceptrons with three weights each were expected; this has the shape {weights.shape}.")
    hidden = np.where(weights[:2, 0] + CORNERS @ weights[:2, 1:].T > 0, 1, -1)
    for one in hidden.T:
        if (one == XOR).all() or (one == -XOR).all():
            raise AssertionError("a line that does XOR")  # pragma: no cover - there is none
        if (one == one[0]).all():
            raise Wrong("A hidden perceptron says the same at all four corners: its line does not cross the square.")
    together = hidden[XOR == 1] == hidden[XOR == -1][:, None]
    if together.all(axis=-1).any():
        raise Wrong("Two corners with different labels look the same to the hidden perceptrons: nobody can part them.")
    found = np.where(weights[2, 0] + hidden @ weights[2, 1:] > 0, 1, -1)
    if (found == -XOR).all():
        raise Wrong("It says -1 where it should say +1, everywhere: turn the signs of the last perceptron round.")
    if (found != XOR).any():
        corner = tuple(map(int, CORNERS[found != XOR][0]))
        raise Wrong(
            f"{(found == XOR).sum()} of 4 corners are right. At {corner} the hidden ones say "
            f"{hidden[found != XOR][0].tolist()}, and the last one then says {found[found != XOR][0]:+d}."
        )


EXERCISES = [
    Exercise(
        name="02-xor-and-the-mlp/by-hand",
        question=(
            "Build XOR without OR: let the first hidden perceptron answer +1 at (1, 0) only, and the second at (0, "
            "1) only. Give the weights of both, and of the last perceptron, which sees their answers -1 and +1: "
            "three lists [w0, w1, w2]."
        ),
        mark=_three_perceptrons,
        hints=[
            "A line that cuts off one corner of the square: x1 - x2 > 1/2 holds at (1, 0) only.",
            "So the first is [-0.5, 1, -1]; the second is its mirror image.",
            "The last has to say +1 if at least one of the two says +1: an OR of numbers that are -1 or +1.",
        ],
        answer=[[-0.5, 1, -1], [-0.5, -1, 1], [1, 1, 1]],
        why=(
            "x1 - x2 > 1/2 holds at (1, 0) only, x2 - x1 > 1/2 at (0, 1) only, and 1 + h1 + h2 is -1 if both say -1 "
            "and 1 if one of them says +1. There are many other solutions; the marker takes each that does XOR."
        ),
        wrong=[
            ([[-0.5, 1, -1], [-0.5, -1, 1], [-1, 1, 1]], "2 of 4 corners are right"),
            ([[-0.5, 1, -1], [-0.5, -1, 1], [-1, -1, -1]], "turn the signs"),
            ([[-0.5, 1, -1], [-5, -1, 1], [1, 1, 1]], "does not cross the square"),
            ([[-0.5, 1, -1], [-0.5, 1, -1], [1, 1, 1]], "look the same"),
            ([[-0.5, 1, -1], [-0.5, -1, 1]], "shape (2, 3)"),
        ],
    ),
    Exercise(
        name="02-xor-and-the-mlp/parameters",
        question=(
            "A digit of 28 by 28 pixels goes into 100 hidden neurons, and these into 10 outputs. How many parameters, "
            "weights and biases together, are there to learn?"
        ),
        mark=whole(
            79510,
            [
                (79400, "Those are the weights; each neuron has a bias as well."),
                (80294, "The inputs are no neurons and have no bias."),
                (110, "Those are the biases."),
                (3910, "28 by 28 pixels are 784 inputs, not 28."),
                (784000, "The layers are one after the other: their weights are added, not multiplied."),
            ],
        ),
        hints=[
            "784 inputs, 100 neurons, 10 neurons. Every neuron has a weight for each number it sees.",
            "784 * 100 + 100 * 10 weights, and a bias for each of the 100 + 10 neurons.",
        ],
        answer=79510,
        why=(
            "784 * 100 + 100 * 10 = 79400 weights and 110 biases. 98.6% of it is in the first layer: that every neuron "
            "looks at every pixel is what makes it so many, and what convolution does away with."
        ),
        wrong=[(79400, "bias as well"), (80294, "no neurons"), (79511, "off by one"), (80000, "too large")],
    ),
    Exercise(
        name="02-xor-and-the-mlp/no-bend",
        question=(
            "Two linear layers without an activation between them: h = W1 x with W1 = [[1, 2], [0, 1], [3, 0]], and "
            "then y = W2 h with W2 = [[1, -1, 2], [0, 1, 1]]. Which single matrix does the same?"
        ),
        mark=array(
            [[7, 1], [3, 1]],
            [
                (
                    [[1, 1, 4], [0, 1, 1], [3, -3, 6]],
                    "That is W1 W2. x meets W1 first, so W1 stands next to it: W2 W1.",
                ),
            ],
        ),
        hints=[
            "y = W2 (W1 x). Where may the brackets go?",
            "(W2 W1) x. The first row: [1, -1, 2] times the columns of W1.",
        ],
        answer=[[7, 1], [3, 1]],
        why=(
            "W2 W1 = [[1 - 0 + 6, 2 - 1 + 0], [0 + 0 + 3, 0 + 1 + 0]]. However many linear layers follow each other, "
            "they are one linear layer, whose boundary is one line: without the bend no depth helps with XOR."
        ),
        wrong=[
            ([[1, 1, 4], [0, 1, 1], [3, -3, 6]], "W1 stands next to it"),
            ([[7, 3], [1, 1]], "transposed"),
            ([7, 1, 3, 1], "shape"),
            ([[7, 1], [3, 0]], "3 of 4"),
        ],
    ),
    Exercise(
        name="02-xor-and-the-mlp/forward",
        question=(
            "Write the MLP's forward pass for one x: `forward(x, W1, b1, W2, b2)` with a sigmoid after both layers. "
            "W1 has a row for each hidden neuron, W2 one for each output."
        ),
        mark=function(
            _by_the_library,
            [_case(0, 2, 2, 1), _case(1, 2, 3, 2), _case(2, 4, 3, 2)],
            [
                (_without_hidden_sigmoid, "The sigmoid of the hidden layer is missing: so it is one linear layer."),
                (_without_last_sigmoid, "The sigmoid of the last layer is missing."),
                (_without_biases, "The biases are missing."),
                (_wrong_sign, "A sign is wrong: the sigmoid is 1 / (1 + e^(-x)); with e^(+x) it falls."),
            ],
        ),
        hints=[
            "Twice the same: a matrix times a vector, plus the bias, then the sigmoid.",
            "`h = sigmoid(W1 @ x + b1)`, and then the same with W2 and h.",
        ],
        answer=forward,
        why="Each layer is a matrix, a shift and a bend; what comes out of one goes into the next.",
        wrong=[
            (_without_hidden_sigmoid, "hidden layer is missing"),
            (_without_last_sigmoid, "last layer is missing"),
            (_without_biases, "biases are missing"),
            (_wrong_sign, "it falls"),
            (_transposed, "stops with ValueError"),
        ],
    ),
    Exercise(
        name="02-xor-and-the-mlp/hidden-labels",
        question=(
            "Rosenblatt's rule trained each of the three perceptrons above. Why can it not train the three "
            "together, from XOR's labels alone?\n"
            "(a) The learning rate would have to be different in each layer.\n"
            "(b) The rule needs the right answer of every perceptron, and nobody knows it for the hidden ones.\n"
            "(c) XOR is not separable, so there is no solution to be found.\n"
            "(d) Two layers have too many weights for four points."
        ),
        mark=choice(
            "b",
            {
                "a": "It might be the same; the question is which way to go, not how far.",
                "c": "Three perceptrons do have a solution, we built one by hand.",
                "d": "Nine weights or ninety: the rule would not know what to do with one of them.",
            },
        ),
        hints=[
            "Write down w := w + g y x for a hidden perceptron. Which letter have you no number for?",
            "y is the label. We gave the hidden ones OR's and AND's; XOR's labels do not say that.",
        ],
        answer="b",
        why=(
            "The rule moves by the label y of the perceptron itself. For a hidden one we chose OR and AND, but the "
            "data only say what should come out at the end. Backpropagation says to each hidden neuron how much the "
            "error at the end would change with it, which takes the place of a label; and for that the step has to "
            "be a smooth function."
        ),
        wrong=[("a", "which way"), ("c", "built one by hand"), ("d", "ninety"), ("maybe", "Choose one of")],
    ),
]

"""LeNet-5 and the lecture's two-stage net on MNIST. Run: python -m experiments.mnist lenet5 (or two-stage)"""

from experiments.harness import Experiment, main
from nnbasics import Adam
from nnbasics.data import mnist
from nnbasics.data.augment import sometimes, wobble
from nnbasics.models import lenet5, two_stage_cnn
from nnbasics.schedules import cosine

TRAINED = "Trained by nnbasics on MNIST: Yann LeCun, Corinna Cortes and Christopher Burges (1998); CC BY-SA 3.0"
EXPERIMENTS = {
    "lenet5": Experiment(
        name="lenet5-mnist",
        command="python -m experiments.mnist lenet5",
        architecture="lenet5",
        net=lambda seed: lenet5(rng=seed),
        load=mnist.load,
        optimizer=Adam,
        epochs=15,
        batch_size=64,
        how="Adam, its rate from 0.002 to 0 along a cosine; turned by up to 10 degrees, 10% larger or smaller, "
        "moved by up to 1.5 pixels",
        credits=(
            "LeNet-5: Yann LeCun, Leon Bottou, Yoshua Bengio and Patrick Haffner, Gradient-Based Learning Applied to "
            "Document Recognition (1998)",
            TRAINED,
        ),
        schedule=cosine(0.002, epochs=15),
        augment=wobble(degrees=10, scale=0.1, shift=1.5),
    ),
    "two-stage": Experiment(
        name="two-stage-mnist",
        command="python -m experiments.mnist two-stage",
        architecture="two_stage_cnn",
        net=lambda seed: two_stage_cnn(rng=seed),
        load=mnist.load,
        optimizer=Adam,
        epochs=16,
        batch_size=64,
        how="Adam, its rate from 0.004 to 0 along a cosine; half of the pictures turned by up to 10 degrees, 10% "
        "larger or smaller, moved by up to 1.5 pixels, the others as they are",
        credits=("The network: the numerals of FSAN/ELEG815, Statistical Learning XII, Gonzalo R. Arce", TRAINED),
        schedule=cosine(0.004, epochs=16),
        augment=sometimes(0.5, wobble(degrees=10, scale=0.1, shift=1.5)),
    ),
}

if __name__ == "__main__":
    main(EXPERIMENTS)

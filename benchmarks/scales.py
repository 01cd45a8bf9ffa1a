"""How well the scales of a network's filters are found from its weights: python -m benchmarks.scales FILE.

FILE has the weights of a VGG that were not normalised (`nnbasics weights convert vgg16.pth -o FILE`). The scale that
`nnbasics.weights.original` finds for each filter is compared with the one that it has, which is 1, where the mean of
each layer is known: what is shown is the standard deviation of the logarithm within a layer.
"""

import sys

import numpy as np

from nnbasics.weights import load
from nnbasics.weights.original import filter_scales


def main(path):
    weights = load(path)
    names = [name.removesuffix(".weight") for name in weights if name.startswith("conv") and name.endswith("weight")]
    for name, scales in filter_scales(weights, dict.fromkeys(names, 1.0)).items():
        print(f"{name}  {np.log(scales).std():.3f}")


if __name__ == "__main__":
    main(sys.argv[1])

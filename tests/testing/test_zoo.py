"""The zoo as a mutation test: the checker catches every wrong layer, and says what is wrong with it."""

import functools

import pytest

from nnbasics.testing import ContractError, check_gradients, check_layer
from nnbasics.testing.causes import FAMILIES
from nnbasics.testing.zoo import ZOO

ANIMALS = pytest.mark.parametrize("specimen", ZOO.values(), ids=ZOO)


@functools.cache
def report(name, seed=0):
    return check_gradients(ZOO[name].layer(), *ZOO[name].inputs, seed=seed)


@ANIMALS
def test_caught(specimen):
    assert not report(specimen.name)


@ANIMALS
def test_caught_by_the_contract_too(specimen):
    def broken(layer):
        try:
            check_layer(layer, *specimen.inputs)
        except ContractError as error:
            return {point for point, _ in error.failures}
        return set()

    assert broken(specimen.layer()) - broken(specimen.right(*specimen.arguments))


@ANIMALS
def test_right_version_passes(specimen):
    found = check_gradients(specimen.right(*specimen.arguments), *specimen.inputs)
    assert found, found


@ANIMALS
def test_tells_its_story(specimen):
    assert specimen.family in FAMILIES
    assert len(specimen.story) > 40 and specimen.hint
    compile(specimen.code, specimen.name, "exec")
    assert specimen.code != specimen.answer and specimen.answer not in specimen.code
    assert specimen.story[:20] in str(specimen) and specimen.hint not in str(specimen)


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 6))])
def test_guesses_name_the_family(seed):
    guesses = {name: report(name, seed).guess for name in ZOO}
    right = [name for name, guess in guesses.items() if guess is not None and guess.family == ZOO[name].family]
    assert len(ZOO) >= 24
    assert len(right) >= 0.9 * len(ZOO), {name: g for name, g in guesses.items() if name not in right}


def test_every_guess_can_be_read():
    for specimen in ZOO.values():
        guess = report(specimen.name).guess
        assert guess.title == FAMILIES[guess.family]
        assert guess.seen.rstrip().endswith(".") and len(guess.hint) > 20

"""Conventions against the four programs themselves, their losses written anew in PyTorch: what they count, we count."""

import numpy as np
import pytest

from nnbasics.data import picture as pictures
from nnbasics.style import Settings
from nnbasics.style.ingredients import Ingredients

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.parity
programs = pytest.importorskip("benchmarks.programs")


@pytest.mark.parametrize("name", programs.PROGRAMS)
def test_a_programs_loss_with_its_own_settings_is_ours(name, rng):
    content, style = (pictures.resize(pictures.read(each), 64) for each in ("china", "great_wave"))
    ours = Ingredients(content, style, Settings.of(convention=name, size=64)).at(64).objective
    program = programs.PROGRAMS[name]
    theirs = program.objective(content, style)
    for x in (content[:, ::-1].copy(), rng.random(content.shape, np.float32)):
        z = program.seen(x).requires_grad_(True)
        value = theirs(z)
        value.backward()
        loss, gradient = ours(np.ascontiguousarray(x.transpose(2, 0, 1)[None]))
        assert loss == pytest.approx(value.item(), rel=1e-5)
        rgb = z.grad.numpy()[:, ::-1] * program.white
        assert np.linalg.norm(gradient - rgb) < 1e-4 * np.linalg.norm(rgb)

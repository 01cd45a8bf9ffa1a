"""The fast 3x3 convolution against its slow twin, whatever the shape, the memory order and the numbers."""

import multiprocessing
import os
import subprocess
import sys
import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnbasics.kernels import conv3x3, im2col, masks, schedule, threads
from nnbasics.kernels.machine import LANES
from nnbasics.kernels.winograd import BLOCKS, PANELS, RELU_POOL

ONE = (1, 1)


def case(rng, n=1, c=16, k=16, h=8, w=8, pad=1):
    x = rng.standard_normal((n, c, h, w)).astype(np.float32)
    weight = rng.standard_normal((k, c, 3, 3)).astype(np.float32)
    bias = rng.standard_normal(k).astype(np.float32)
    dy = rng.standard_normal((n, k, h + 2 * pad - 2, w + 2 * pad - 2)).astype(np.float32)
    return x, weight, bias, dy, (pad, pad)


def exact(x, weight, bias, dy, padding):
    """In float64 by im2col, which has a test of its own against loops."""
    x, weight, bias, dy = (a.astype(np.float64) for a in (x, weight, bias, dy))
    y = im2col.conv2d(x, weight, bias, ONE, padding)
    dx = im2col.conv2d_dx(dy, weight, x.shape, ONE, padding)
    return y, dx, *im2col.conv2d_dparams(dy, x, (3, 3), ONE, padding)


def fast(x, weight, bias, dy, padding):
    y = conv3x3.conv2d(x, weight, bias, ONE, padding)
    dx = conv3x3.conv2d_dx(dy, weight, x.shape, ONE, padding)
    return y, dx, *conv3x3.conv2d_dparams(dy, x, (3, 3), ONE, padding)


def errors(given_):
    """Of y, dx, dweight, dbias: how far from exact, relative to the sum of what was added up, without its signs."""
    *arrays, padding = given_
    sizes = exact(*map(np.abs, arrays), padding)
    for found, right, size in zip(fast(*given_), exact(*given_), sizes, strict=True):
        assert found.shape == right.shape and found.dtype == np.float32
        yield np.linalg.norm(found - right) / np.linalg.norm(size)


SHAPES = {
    "one pixel": {"h": 1, "w": 1},
    "one row": {"h": 1, "w": 21},
    "less than a tile": {"h": 3, "w": 2},
    "not whole tiles, odd channels, a batch": {"n": 3, "c": 5, "k": 7, "h": 9, "w": 6},
    "no padding": {"pad": 0, "h": 11, "w": 7},
    "full padding": {"pad": 2, "h": 2, "w": 5},
    "a picture": {"c": 3, "k": 64, "h": 37, "w": 29},
    "a grey batch": {"n": 2, "c": 1, "k": 64, "h": 6, "w": 6},
    "half a panel": {"c": 48, "k": 48, "h": 10, "w": 10},
    "blocks": {"n": 2, "c": 64, "k": 64, "h": 41, "w": 43},
    "many tiles": {"n": 2, "c": 32, "k": 16, "h": 60, "w": 50},
    "panels in chunks": {"c": 144, "k": 528, "h": 50, "w": 45},
}


@pytest.mark.parametrize("name", SHAPES)
def test_forward_and_gradients(name, rng):
    given_ = case(rng, **SHAPES[name])
    assert max(errors(given_)) < 1e-6


def test_both_plans_are_among_the_shapes():
    def plan(c, k, h, w, n=1):
        return schedule.plan(c, k, conv3x3.tiles(n, h, w))[0]

    assert plan(64, 64, 41, 43, n=2) == BLOCKS
    assert plan(144, 528, 50, 45) == PANELS
    assert schedule.plan(144, 528, conv3x3.tiles(1, 50, 45))[1] < conv3x3.tiles(1, 50, 45)


@settings(max_examples=30)
@given(
    n=st.integers(1, 3),
    c=st.integers(1, 40),
    k=st.integers(1, 40),
    h=st.integers(1, 20),
    w=st.integers(1, 20),
    pad=st.integers(0, 2),
    seed=st.integers(0, 99),
)
def test_any_shape(n, c, k, h, w, pad, seed):
    h, w = h + 2 * (pad == 0), w + 2 * (pad == 0)
    given_ = case(np.random.default_rng(seed), n, c, k, h, w, pad)
    assert max(errors(given_)) < 1e-6


def test_memory_order_does_not_matter_and_nothing_is_written_to(rng):
    x, weight, bias, dy, padding = case(rng, n=2, c=32, k=32, h=13, w=11)
    right = fast(x, weight, bias, dy, padding)
    last = np.ascontiguousarray(x.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
    flipped = np.ascontiguousarray(x[:, ::-1, ::-1, ::-1])[:, ::-1, ::-1, ::-1]
    wide = np.zeros((2, 40, 15, 12), np.float32)
    wide[:, 4:36, 1:14, 1:] = x
    strided = np.asfortranarray(weight)
    for other in (last, flipped, wide[:, 4:36, 1:14, 1:], x):
        other.flags.writeable = False
        for found, wanted in zip(fast(other, strided, bias, dy, padding), right, strict=True):
            np.testing.assert_array_equal(found, wanted)


def test_no_bias(rng):
    x, weight, bias, _, padding = case(rng)
    y = conv3x3.conv2d(x, weight, None, ONE, padding)
    np.testing.assert_allclose(
        y + bias[:, None, None], conv3x3.conv2d(x, weight, bias, ONE, padding), rtol=1e-5, atol=1e-5
    )


@pytest.mark.parametrize("strange", [np.nan, np.inf, -np.inf])
def test_nan_and_infinity_go_where_a_sum_of_products_takes_them(strange, rng):
    x, weight, bias, dy, padding = case(rng, c=32, k=32, h=13, w=11)
    x[0, 3, 5, 6] = dy[0, 7, 12, 0] = strange
    y = conv3x3.conv2d(x, weight, bias, ONE, padding)
    dx = conv3x3.conv2d_dx(dy, weight, x.shape, ONE, padding)
    with np.errstate(invalid="ignore"):
        right_y, right_dx, _, _ = exact(x, weight, bias, dy, padding)
    for found, right in ((y, right_y), (dx, right_dx)):
        np.testing.assert_array_equal(np.isnan(found), np.isnan(right))
        np.testing.assert_array_equal(np.isposinf(found), np.isposinf(right))
        np.testing.assert_allclose(found[np.isfinite(found)], right[np.isfinite(right)], rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(("value", "place"), [(1.0, 0), (np.nan, 3), (-1.0, None), (0.0, None)])
def test_pooling_takes_the_first_of_equals_and_the_last_nan(value, place):
    x, weight = np.ones((1, 8, 8, 32), np.float32), np.zeros((32, 32, 3, 3), np.float32)
    y, mask = np.empty((1, 4, 4, 32), np.float32), masks.empty((1, 4, 4, 32), bits=4)
    bias = np.full(32, value, np.float32)
    conv3x3.run(x, weight, 1, y, bias=bias, mask=mask, finish=RELU_POOL)
    np.testing.assert_array_equal(y, max(value, 0.0) if value == value else np.nan)
    bits = np.unpackbits(mask, bitorder="little").reshape(-1, 4, mask.size * 2 // (y.size // LANES))[..., :LANES]
    for n in range(4):
        assert (bits[:, n] == (n == place)).all()


def test_the_number_of_threads_changes_no_bit(rng, use_threads):
    given_ = case(rng, c=144, k=528, h=30, w=21)
    blocks = case(rng, c=64, k=64, h=90, w=70)
    found = []
    for n in (1, 2, 5):
        use_threads(n)
        assert threads.get_num_threads() == n
        found.append([*fast(*given_)[:2], *fast(*blocks)[:2]])
    for other in found[1:]:
        for a, b in zip(found[0], other, strict=True):
            np.testing.assert_array_equal(a, b)


def test_python_threads_may_use_it_together(rng):
    given_ = case(rng, c=64, k=64, h=50, w=50)
    right = fast(*given_)[:2]
    wrong = []

    def compute():
        for _ in range(5):
            wrong.extend(not np.array_equal(a, b) for a, b in zip(fast(*given_)[:2], right, strict=True))

    team = [threading.Thread(target=compute) for _ in range(4)]
    for thread in team:
        thread.start()
    for thread in team:
        thread.join()
    assert len(wrong) == 40 and not any(wrong)


def _in_child(queue):
    given_ = case(np.random.default_rng(0), c=64, k=64, h=50, w=50)
    queue.put(fast(*given_)[0].sum())


@pytest.mark.parametrize("how", ["fork", "spawn"])
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_child_processes_compute_too(how):
    if how not in multiprocessing.get_all_start_methods():
        pytest.skip(f"no {how} on this system")
    given_ = case(np.random.default_rng(0), c=64, k=64, h=50, w=50)
    right = fast(*given_)[0].sum()  # the parent's team of threads exists
    context = multiprocessing.get_context(how)
    queue = context.Queue()
    child = context.Process(target=_in_child, args=(queue,))
    child.start()
    assert queue.get(timeout=300) == right
    child.join()
    assert child.exitcode == 0


def _run(code, **environment):
    environment = {**os.environ, **environment}
    return subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=900)


def test_an_unknown_width_is_refused_by_name():
    result = _run("import nnbasics.kernels.machine", NNBASICS_KERNELS="avx3")
    assert "choose from avx512, avx2, neon, plain, reference" in result.stderr


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"NUMBA_NUM_THREADS": "1"}, 1),
        ({"OMP_NUM_THREADS": "1"}, 1),
        ({"NUMBA_NUM_THREADS": "3", "OMP_NUM_THREADS": "1"}, 3),
    ],
)
def test_the_environment_says_how_many_threads(environment, expected):
    unset = {"NUMBA_NUM_THREADS": None, "OMP_NUM_THREADS": None} | environment
    code = "; ".join(
        [
            "import os",
            *(f"os.environ.pop({key!r}, None)" for key, value in unset.items() if value is None),
            "from nnbasics.kernels import threads",
            "print(threads.get_num_threads())",
        ]
    )
    assert _run(code, **environment).stdout.strip() == str(expected)

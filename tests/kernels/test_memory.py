"""Memory that is lent: nobody's twice, and used again when it is nobody's."""

import gc
import threading

import numpy as np
import pytest

from nnbasics.kernels import memory


@pytest.fixture(autouse=True)
def nothing_waits():
    memory._waiting.clear()
    yield
    memory._waiting.clear()


def waiting():
    return sum(size * len(of_size) for size, of_size in memory._waiting.items())


def test_it_is_used_again_when_the_last_view_is_gone():
    x = memory.lent((3, 5, 7))
    assert x.shape == (3, 5, 7) and x.dtype == np.float32 and x.ctypes.data % memory.LINE == 0
    assert x.flags.c_contiguous and x.flags.writeable
    at, view = x.ctypes.data, x.transpose(2, 0, 1)[1:, ::2]
    del x
    assert memory.lent((105,)).ctypes.data != at, "a view still has it"
    del view
    again = memory.lent((105,), np.int32)
    assert again.ctypes.data == at


@pytest.mark.parametrize("shape", [(0, 3), (memory.LARGEST // 4 + 1,)])
def test_nothing_and_very_much_are_not_lent(shape):
    del_me = memory.lent(shape)
    assert del_me.shape == shape
    del del_me
    assert not waiting()


def test_what_waits_is_limited():
    for n in range(1, 40):
        memory.lent((n, 1 << 20))
    gc.collect()
    assert waiting() <= memory.MOST + memory.LARGEST
    arrays = [memory.lent((1 << 20,)) for _ in range(40)]
    del arrays
    assert waiting() <= memory.MOST + memory.LARGEST


@pytest.mark.parametrize("axes", [(0, 1, 2, 3), (0, 2, 3, 1), (1, 2, 3, 0)])
def test_like_another_in_order_too(axes):
    x = np.zeros([(2, 3, 4, 5)[axis] for axis in axes], np.float64).transpose(np.argsort(axes))
    assert memory.lent_like(x).strides == x.strides and memory.lent_like(x).dtype == x.dtype
    assert memory.lent_like(x, bool).strides == tuple(stride // 8 for stride in x.strides)


def test_two_threads_never_have_the_same():
    wrong = []

    def use(number):
        for n in range(2000):
            x, y = memory.lent((64,)), memory.lent((64,))
            x[:], y[:] = number, -number
            view = x[::2]
            del x
            if n % 3 == 0:
                y = None
            wrong.append((view != number).any())

    team = [threading.Thread(target=use, args=(number,)) for number in range(1, 5)]
    for thread in team:
        thread.start()
    for thread in team:
        thread.join()
    assert len(wrong) == 8000 and not any(wrong)

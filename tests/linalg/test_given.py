"""What linear algebra refuses, in one line that says what and what was expected."""

import numpy as np
import pytest

from nnbasics.errors import UserError
from nnbasics.linalg import PCA, least_squares, project, pseudo_inverse

A = np.ones((3, 2))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: pseudo_inverse(np.ones(3)), r"A has shape \(3,\); \(m, n\) with at least one number was expected"),
        (lambda: pseudo_inverse(np.ones((0, 3))), r"A has shape \(0, 3\)"),
        (lambda: pseudo_inverse([[1, np.nan], [np.inf, 1]]), "A has 2 values that are NaN or infinite"),
        (lambda: pseudo_inverse([[1, 2j]]), "A: real numbers"),
        (lambda: pseudo_inverse([["a", "b"]]), "A: real numbers"),
        (lambda: pseudo_inverse([[1, 2], [3]]), "A: real numbers"),
        (lambda: least_squares(A, np.ones(2)), r"b has shape \(2,\), and A has 3 rows; \(3,\) or \(3, k\)"),
        (lambda: project(A, np.ones((3, 2, 1))), r"b has shape \(3, 2, 1\)"),
        (lambda: least_squares(A, np.ones(3), method="lu"), "no method is called 'lu'; choose from svd, qr, normal"),
        (lambda: PCA().fit(np.ones((1, 4))), "at least 2 were expected"),
        (lambda: PCA(4).fit(np.ones((3, 5))), "has no more than 3 components"),
        (lambda: PCA(0), "n_components=0"),
        (lambda: PCA().transform(A), "transform before fit"),
        (lambda: PCA().inverse_transform(A), "inverse_transform before fit"),
        (lambda: PCA().fit(A).transform(np.ones((2, 3))), r"X has shape \(2, 3\); \(N, 2\) was expected"),
    ],
)
def test_refused(call, message):
    with pytest.raises(UserError, match=message) as error:
        call()
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
def test_types(dtype):
    A = np.array([[2, 0], [0, 4], [0, 0]], dtype)
    expected = np.float32 if dtype == np.float32 else np.float64
    for result in (pseudo_inverse(A), project(A, A[:, 0]), PCA().fit(A).components_):
        assert result.dtype == expected
    for method in ("svd", "qr", "normal"):
        assert least_squares(A, A[:, 1], method).dtype == expected

"""Linear algebra of the lectures: least squares, SVD, projections, PCA, eigenfaces, vectors of many dimensions.

NumPy factorises (QR, Cholesky, SVD); what the factors are good for is written out here.
"""

from nnbasics.linalg.dimensions import angle_spread, inner_products, on_sphere
from nnbasics.linalg.eigenfaces import Eigenfaces
from nnbasics.linalg.leastsquares import least_squares
from nnbasics.linalg.pca import PCA
from nnbasics.linalg.projections import column_space, project, projection
from nnbasics.linalg.svd import compact_svd, pseudo_inverse

__all__ = [
    "PCA",
    "Eigenfaces",
    "angle_spread",
    "column_space",
    "compact_svd",
    "inner_products",
    "least_squares",
    "on_sphere",
    "project",
    "projection",
    "pseudo_inverse",
]

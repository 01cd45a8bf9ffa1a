"""Faces: 100 of them in 25x25 pixels, and 100 pictures of something else, downloaded once by pip.

They are photographs of people from the news, "Labeled Faces in the Wild", and no licence is known that would let them
be shipped. `drawn_faces` has faces that are free.
"""

import io
import zipfile

import numpy as np

from nnbasics.data.cache import DataSet

MEMBER = "skimage/data/lfw_subset.npy"
SOURCE = {
    "package": "scikit-image",
    "version": "0.26.0",
    "archive": "scikit_image-0.26.0-cp311-cp311-manylinux_2_24_x86_64.manylinux_2_28_x86_64.whl",
    "archive_size": 13_711_217,
    "archive_sha256": "74aa5518ccea28121f57a95374581d3b979839adc25bb03f289b1bc9b99c58af",
}


def load(progress=None):
    """The faces, and the others.

    The first call downloads 14 MB; later ones find them in the cache, in the folder that the environment variable
    NNBASICS_DATA names if it is set.

    Parameters
    ----------
    progress : bool, optional
        Whether a bar is shown while they are made; if not said, on a terminal.

    Returns
    -------
    faces, others : ndarray, (100, 25, 25) float32
        Grey, from 0 to 1. The others are pieces of the same photographs' backgrounds.

    Raises
    ------
    UserError
        If they cannot be downloaded or kept; the message says why.

    Notes
    -----
    Huang, Ramesh, Berg, Learned-Miller, "Labeled Faces in the Wild", 2007; scikit-image's `lfw_subset`.
    """
    pictures = SET.arrays(progress)["pictures"]
    return pictures[:100], pictures[100:]


def _parse(archive, advance):
    """All 200 pictures, faces first."""
    with zipfile.ZipFile(archive) as wheel:
        pictures = np.load(io.BytesIO(wheel.read(MEMBER)))
    advance(0.9)
    return {"pictures": pictures.astype(np.float32)}


SHA256 = "a917726e1fdfbdda5c97745f1b85ec497c922e4faa4d8f4dd4cff850ddcd10af"  # of the array
SET = DataSet("Faces", "faces.npz", SOURCE, SHA256, _parse)

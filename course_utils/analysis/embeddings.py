"""Where a network puts each picture before it answers, drawn on a plane.

Pictures that the network takes for alike lie close together. The plane keeps neighbors; it does
not keep distances or sizes of groups.

Keras, scikit-learn and UMAP are imported only when they are needed.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from course_utils.analysis.saliency import head, opened
from course_utils.models import import_keras

FEWEST = 5
_NEIGHBORS = 15  # UMAP's own
_BATCH = 256


def features(model: Any, pictures: np.ndarray) -> np.ndarray:
    """Return what a network knows of each picture before its last dense layer.

    Parameters
    ----------
    model : keras.Model
        Sequential or Functional, with a dense layer at the end; or a stand-in whose model is at
        hand. It is not changed.
    pictures : ndarray of shape (n, h, w, channels)
        As the model takes them; for the course's networks uint8, 0 to 255.

    Returns
    -------
    ndarray of shape (n, d), float32
        For the course's baseline ``d`` is 128.

    Raises
    ------
    ValueError
        If the model has no dense layer at its end, the pictures do not fit, or a stand-in's
        model is not at hand.
    """
    model, pictures = opened(model, pictures)
    before, dense = head(model)
    if dense is None:
        raise ValueError(
            "This model does not end in a dense layer, so nothing stands before one. Let it end "
            "in keras.layers.Dense(...), with or without a softmax."
        )
    net = import_keras().Model(model.inputs[0], before)
    found = net.predict(pictures, batch_size=_BATCH, verbose=0)
    return np.asarray(found, np.float32).reshape(len(pictures), -1)


def perplexity_for(n: int, wanted: float = 30) -> float:
    """Return the perplexity that t-SNE uses for ``n`` pictures.

    It is about the number of neighbors that count. It has to be below the number of pictures;
    a third of the others is the most that van der Maaten's own code allows.

    Parameters
    ----------
    n : int
    wanted : float, default=30
    """
    return min(float(wanted), (n - 1) / 3)


def project(
    features: ArrayLike, method: str = "tsne", seed: int = 42, perplexity: float = 30
) -> np.ndarray:
    """Return a point on a plane for each picture, so that alike ones lie close together.

    t-SNE (van der Maaten and Hinton 2008) from scikit-learn, or UMAP (McInnes et al. 2018,
    arXiv:1802.03426) from umap-learn. Both start from the seed: the same features and the same
    seed give the same points on the same machine. If there are too few pictures for the
    perplexity (UMAP: for 15 neighbors) it is lowered, and a printed line says so.

    Parameters
    ----------
    features : array_like of shape (n, d), float
        From :func:`features`, or probabilities, or any other numbers of each picture.
    method : {"tsne", "umap"}, default="tsne"
    seed : int, default=42
    perplexity : float, default=30
        For t-SNE: how many neighbors count, about.

    Returns
    -------
    ndarray of shape (n, 2), float32
        Only which points lie close together means something.

    Raises
    ------
    ValueError
        If there are fewer than five pictures, or all have the same features, or a number is NaN,
        or the method is another.
    ImportError
        With a sentence on what to install, if UMAP is asked for and umap-learn is not there.
    """
    x = np.asarray(features, np.float32)
    if method not in {"tsne", "umap"}:
        raise ValueError(f'There is no method {method!r}. Choose "tsne" or "umap".')
    if x.ndim != 2 or not x.shape[1]:
        raise ValueError(
            f"The features should have one row for each picture and one column for each number, "
            f"but their shape is {x.shape}."
        )
    if len(x) < FEWEST:
        raise ValueError(
            f"There are {len(x)} pictures. A plane of neighbors needs at least {FEWEST}."
        )
    if not np.isfinite(x).all():
        raise ValueError("Some features are no numbers (NaN or infinite).")
    if (x == x[0]).all():
        raise ValueError("All pictures have the same features, so there is nothing to draw.")
    if perplexity <= 0:
        raise ValueError(f"The perplexity should be above 0, but it is {perplexity}.")
    return (_tsne if method == "tsne" else _umap)(x, seed, perplexity)


def _tsne(x: np.ndarray, seed: int, perplexity: float) -> np.ndarray:
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    used = perplexity_for(len(x), perplexity)
    if used < perplexity:
        print(
            f"There are only {len(x)} pictures: the perplexity is {used:.3g} in place of "
            f"{perplexity:.3g}."
        )
    start = "pca" if x.shape[1] > 1 else "random"
    # Several threads add up in any order, and t-SNE makes a lot of the last digit.
    with threadpool_limits(limits=1):
        return TSNE(perplexity=used, init=start, random_state=seed).fit_transform(x)


def _umap(x: np.ndarray, seed: int, _: float) -> np.ndarray:
    try:
        import umap
    except ImportError as error:
        raise ImportError(
            'UMAP is not installed. Install it with: pip install umap-learn. Or use "tsne".'
        ) from error
    used = min(_NEIGHBORS, len(x) - 1)
    if used < _NEIGHBORS:
        print(f"There are only {len(x)} pictures: {used} neighbors count in place of {_NEIGHBORS}.")
    # UMAP's usual start needs more neighbors than that.
    start = "spectral" if used == _NEIGHBORS else "random"
    found = umap.UMAP(n_neighbors=used, init=start, random_state=seed, n_jobs=1).fit_transform(x)
    return np.asarray(found, np.float32)

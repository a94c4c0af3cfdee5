"""Which places in a picture speak for a class: Grad-CAM and Grad-CAM++.

Both ask the last map of features inside a network: how much would the score of a class grow if
this feature were stronger here? They show where the score comes from. They do not show why, and
a map of few cells cannot show much: its true size comes with it.

Keras and TensorFlow are imported only when a model is looked into.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from PIL import Image

from course_utils import models

_BATCH = 32
# What turns scores into probabilities. All of these keep the order of the scores.
_SQUASHING = {"softmax", "log_softmax", "sigmoid"}
# Layers that change nothing when a trained model answers.
_PASSING = {"Dropout", "AlphaDropout", "Identity"}
# Layers whose map is a copy or a summary of the one before.
_NO_MAP = ("Pooling", "Dropout", "InputLayer", "Identity")


class Maps(NamedTuple):
    """What :func:`grad_cam` and :func:`grad_cam_plus_plus` found.

    Attributes
    ----------
    maps : ndarray of shape (n, h, w), float32
        From 0 to 1, one cell for each place in the layer. The strongest place of each picture
        is 1; a map is 0 everywhere if no place speaks for the class.
    layer : str
        The layer that was looked into.
    size : tuple of int
        ``(h, w)``, the map's true size.
    variant : str
        Which method this is, in words.
    classes : ndarray of shape (n,), int64
        The class that each map is for.
    strength : ndarray of shape (n,), float32
        What each map was divided by: ``maps * strength`` are the values by the definition.
    """

    maps: np.ndarray
    layer: str
    size: tuple[int, int]
    variant: str
    classes: np.ndarray
    strength: np.ndarray


def grad_cam(
    model: Any,
    pictures: np.ndarray,
    classes: int | ArrayLike | None = None,
    layer: str | None = None,
) -> Maps:
    """Return where each picture speaks for a class, by Grad-CAM.

    Selvaraju et al. 2017 (arXiv:1610.02391), equations 1 and 2: with the maps ``A[k]`` of a
    layer and the score ``y`` of a class before the softmax, the weight ``w[k]`` is the mean of
    ``dy / dA[k]`` over all places, and the map is ``ReLU(sum of w[k] * A[k])``. It is divided by
    its largest value.

    On a network that ends in global average pooling and one dense layer, this is the class
    activation map (Zhou et al. 2016, arXiv:1512.04150) without its negative part, divided by
    the number of places.

    Parameters
    ----------
    model : keras.Model
        Sequential or Functional, with one input and a score for each class; or a stand-in
        whose model is at hand. It is not changed.
    pictures : ndarray of shape (n, h, w, channels)
        As the model takes them; for the course's networks uint8, 0 to 255.
    classes : int or array_like of shape (n,), optional
        The class to ask about, for all pictures or for each; a wrong one too. By default the
        class that the model predicts.
    layer : str, optional
        The name of a layer with a map. By default the last one before pooling or flattening.

    Returns
    -------
    Maps
        Not yet enlarged: see :func:`enlarge`.

    Raises
    ------
    ValueError
        If the model has no convolution, the layer no map, the class does not exist, the pictures
        do not fit, the score before the softmax cannot be found, or a stand-in's model is not
        at hand.
    """
    return _look(model, pictures, classes, layer, _mean_slope, "Grad-CAM")


def grad_cam_plus_plus(
    model: Any,
    pictures: np.ndarray,
    classes: int | ArrayLike | None = None,
    layer: str | None = None,
) -> Maps:
    """Return where each picture speaks for a class, by Grad-CAM++.

    Chattopadhay et al. 2018 (arXiv:1710.11063), equations 7 and 19: with the slopes
    ``g = dS / dA[k]`` of the score ``S`` before the softmax, each place has the weight
    ``alpha = g^2 / (2 g^2 + g^3 * sum of A[k])``, or 0 where that is 0 / 0, and
    ``w[k]`` is the sum of ``alpha * ReLU(g)``. The map is ``ReLU(sum of w[k] * A[k])``, divided
    by its largest value.

    This is the variant in the authors' code and in tf-keras-vis: the alphas of each channel are
    divided by their sum. The paper's equations do not say so, and pytorch-grad-cam does not do
    it, so that its maps differ. The factor ``exp(S)`` of the paper is left out, since it is the
    same for the whole map.

    Parameters and errors are those of :func:`grad_cam`.

    Returns
    -------
    Maps
    """
    variant = "Grad-CAM++ (alphas sum to one in each channel)"
    return _look(model, pictures, classes, layer, _weighted_slope, variant)


def enlarge(maps: np.ndarray, size: tuple[int, int] = (32, 32)) -> np.ndarray:
    """Return maps in the size of the picture, smooth between the cells (bilinear).

    Parameters
    ----------
    maps : ndarray of shape (h, w) or (n, h, w), float
    size : tuple of int, default=(32, 32)
        Height and width in pixels.

    Returns
    -------
    ndarray of shape size or (n, *size), float32

    Raises
    ------
    ValueError
        If it is not a map or a pile of maps.
    """
    maps = np.asarray(maps, np.float32)
    if maps.ndim not in {2, 3} or not maps.size:
        raise ValueError(
            f"A map has a height and a width, a pile of maps also a number in front. Yours has "
            f"the shape {maps.shape}."
        )
    height, width = size
    pile = maps.reshape(-1, *maps.shape[-2:])
    grown = [
        np.asarray(Image.fromarray(one).resize((width, height), Image.Resampling.BILINEAR))
        for one in pile
    ]
    return np.stack(grown).reshape(*maps.shape[:-2], height, width)


# --- The definitions -----------------------------------------------------------------------


def _mean_slope(_: np.ndarray, slopes: np.ndarray) -> np.ndarray:
    return slopes.mean(axis=(1, 2), keepdims=True)


def _weighted_slope(features: np.ndarray, slopes: np.ndarray) -> np.ndarray:
    squares, totals = slopes**2, features.sum(axis=(1, 2), keepdims=True)
    below = 2 * squares + squares * slopes * totals
    alphas = np.divide(squares, below, out=np.zeros_like(squares), where=below != 0)
    sums = alphas.sum(axis=(1, 2), keepdims=True)
    alphas = np.divide(alphas, sums, out=np.zeros_like(alphas), where=sums != 0)
    return (alphas * np.maximum(slopes, 0)).sum(axis=(1, 2), keepdims=True)


def _look(
    model: Any,
    pictures: np.ndarray,
    classes: int | ArrayLike | None,
    layer: str | None,
    weigh: Callable[[np.ndarray, np.ndarray], np.ndarray],
    variant: str,
) -> Maps:
    model, pictures = opened(model, pictures)
    wanted = _classes(classes, len(pictures), model.outputs[0].shape[-1])
    end = head(model)
    place = _place(model, layer)
    found, asked = [], []
    for features, slopes, numbers in _slopes(model, end, pictures, wanted, place):
        weights = weigh(features, slopes)
        found.append(np.maximum((weights * features).sum(axis=-1), 0))
        asked.append(numbers)
    raw = np.concatenate(found)
    strength = raw.max(axis=(1, 2))
    maps = raw / np.where(strength > 0, strength, 1)[:, None, None]
    return Maps(
        maps.astype(np.float32),
        _made(place)[0].name,
        raw.shape[1:],
        variant,
        np.concatenate(asked).astype(np.int64),
        strength.astype(np.float32),
    )


def _slopes(
    model: Any, end: tuple, pictures: np.ndarray, wanted: np.ndarray | None, place: Any
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Yield, batch by batch, a layer's maps, the score's slopes there, and the classes."""
    keras = models.import_keras()
    if keras.backend.backend() != "tensorflow":
        raise ValueError(
            f"This needs Keras on TensorFlow, but here Keras runs on {keras.backend.backend()}. "
            f"Start Python anew and set the environment variable KERAS_BACKEND to tensorflow."
        )
    import tensorflow as tf

    before, dense = end
    untouched = _past(model.outputs[0])
    net = keras.Model(model.inputs[0], [place, before])
    watched = _weights_before(place)
    for start in range(0, len(pictures), _BATCH):
        batch = pictures[start : start + _BATCH]
        # The slopes are asked for at a place inside the network. The tape knows that place only
        # if something before it is watched, so it watches the nearest weights.
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(watched)
            features, scores = net(tf.convert_to_tensor(batch), training=False)
            scores = tf.cast(scores, tf.float64)
            if dense is not None:
                scores = tf.matmul(scores, tf.cast(dense.kernel, tf.float64))
                if dense.bias is not None:
                    scores += tf.cast(dense.bias, tf.float64)
            answers = scores.numpy()
            numbers = answers.argmax(axis=1) if wanted is None else wanted[start:][:_BATCH]
            chosen = tf.gather(scores, numbers, axis=1, batch_dims=1)
        _check_scores(answers, may_be_probabilities=before is untouched)
        slopes = tape.gradient(chosen, features)
        if slopes is None:
            raise ValueError(
                f"The scores do not come from the layer {_made(place)[0].name!r} in a way that "
                f"can be followed. Choose one of {_listed(_with_map(model))}."
            )
        yield (
            tf.cast(features, tf.float64).numpy(),
            tf.cast(slopes, tf.float64).numpy(),
            numbers,
        )


# --- What a network is made of -------------------------------------------------------------


def opened(model: Any, pictures: np.ndarray) -> tuple[Any, np.ndarray]:
    """Return the Keras model itself and the pictures, if they go together.

    Parameters
    ----------
    model : keras.Model
        Or a stand-in whose model is at hand.
    pictures : ndarray of shape (n, h, w, channels)

    Raises
    ------
    ValueError
        If they do not; with a sentence on what to change.
    """
    model = models.real(model)
    keras = models.import_keras()
    if not isinstance(model, keras.Model):
        raise ValueError(f"This needs a Keras model. Yours is of the type {type(model).__name__}.")
    inputs, outputs = (getattr(model, name, None) for name in ("inputs", "outputs"))
    if not inputs or not outputs:
        raise ValueError(
            "The layers of this model cannot be looked into. If it is a Sequential, begin it with "
            "keras.layers.Input(...); a class of your own has to be written as a Functional model."
        )
    if len(inputs) > 1 or len(outputs) > 1 or len(outputs[0].shape) != 2:
        raise ValueError("This needs a model that takes pictures and gives a score for each class.")
    if outputs[0].shape[-1] < 2:
        raise ValueError("This model gives a single score. It should give one for each class.")
    pictures = np.asarray(pictures)
    if pictures.dtype.kind not in "biuf":
        raise ValueError("The pictures should be pixels: one array of numbers.")
    shape = tuple(inputs[0].shape[1:])
    if pictures.ndim == len(shape):
        raise ValueError(
            f"This needs a pile of pictures, with a shape such as (1, 32, 32, 3). Yours has the "
            f"shape {pictures.shape}. photo[None] makes a pile of one photo."
        )
    fits = pictures.ndim == len(shape) + 1 and all(
        want in {None, have} for want, have in zip(shape, pictures.shape[1:], strict=True)
    )
    if not fits:
        raise ValueError(
            f"The model takes pictures of the shape {_said(shape)}. Yours have the shape "
            f"{_said(pictures.shape[1:])}."
        )
    if not len(pictures):
        raise ValueError("There are no pictures here. Give at least one.")
    if pictures.dtype.kind == "f" and not np.isfinite(pictures).all():
        raise ValueError("Some pixels are no numbers (NaN or infinite).")
    if "int" in inputs[0].dtype and pictures.dtype != np.uint8:
        whole = pictures.astype(np.uint8)
        if not np.array_equal(whole, pictures):
            raise ValueError(
                "The model takes whole pixels from 0 to 255. Give it their pixels unchanged."
            )
        pictures = whole
    return model, pictures


def head(model: Any) -> tuple[Any, Any]:
    """Find where the scores before the softmax come from.

    Parameters
    ----------
    model : keras.Model
        With one output.

    Returns
    -------
    before : KerasTensor
        What goes into the last dense layer; or the scores themselves if ``dense`` is None.
    dense : keras.layers.Dense or None
        Its kernel and bias make the scores of ``before``, whatever activation it has.
    """
    keras = models.import_keras()
    tensor = _past(model.outputs[0])
    operation, sources = _made(tensor)
    if type(operation).__name__ in {"Softmax", "LogSoftmax", "Sigmoid"} or (
        isinstance(operation, keras.layers.Activation) and _activation(operation) in _SQUASHING
    ):
        tensor = _past(sources[0])
        operation, sources = _made(tensor)
    if isinstance(operation, keras.Model):
        raise ValueError(
            f"The model ends in a model of its own, {operation.name!r}. Give that one, "
            f"model.get_layer({operation.name!r}), or add its layers one by one."
        )
    if isinstance(operation, keras.layers.Dense) and _activation(operation) in {
        "linear",
        *_SQUASHING,
    }:
        return sources[0], operation
    return tensor, None


def _past(tensor: Any) -> Any:
    """Step back over layers that change nothing when a trained model answers."""
    while True:
        operation, sources = _made(tensor)
        kind = type(operation).__name__
        if not sources or not (
            kind in _PASSING or (kind == "Activation" and _activation(operation) == "linear")
        ):
            return tensor
        tensor = sources[0]


def _activation(operation: Any) -> str:
    return getattr(getattr(operation, "activation", None), "__name__", "")


def _made(tensor: Any) -> tuple[Any, list]:
    """Return the layer that made a tensor, and what it made it from.

    ``layer.output`` would be of its first use, which can be in another model: people build new
    models from the layers of old ones.
    """
    history = tensor._keras_history
    node = history.operation._inbound_nodes[history.node_index]
    return history.operation, list(node.input_tensors)


def _tensors(last: Any) -> list:
    """Return all that goes into a tensor, each after what it is made from, itself included."""
    order, seen, waiting = [], set(), [(last, False)]
    while waiting:
        tensor, done = waiting.pop()
        if done:
            order.append(tensor)
        elif id(tensor) not in seen:
            seen.add(id(tensor))
            waiting.append((tensor, True))
            waiting.extend((source, False) for source in _made(tensor)[1])
    return order


def _with_map(model: Any) -> dict[str, Any]:
    """Return the tensors that Grad-CAM can look at, by the name of their layer, in order."""
    found, weights_so_far = {}, set()
    for tensor in _tensors(model.outputs[0]):
        operation, sources = _made(tensor)
        if _floats(operation) or any(id(source) in weights_so_far for source in sources):
            weights_so_far.add(id(tensor))
            if len(tensor.shape) == 4:
                found.pop(operation.name, None)  # of a layer that is used twice, the last use
                found[operation.name] = tensor
    return found


def _place(model: Any, layer: str | None) -> Any:
    """Return the tensor of a layer, or of the last one that has a map."""
    keras = models.import_keras()
    if not any("Conv" in type(part).__name__ for part in _parts(model)):
        raise ValueError(
            "This model has no convolution, so it has no map of places. Grad-CAM needs one."
        )
    found = _with_map(model)
    if isinstance(layer, keras.layers.Layer):
        layer = layer.name
    if layer is not None:
        if layer not in found:
            known = any(part.name == layer for part in _parts(model))
            problem = "has no map that the scores depend on" if known else "is not in this model"
            raise ValueError(
                f"The layer {layer!r} {problem}. Choose one of {_listed(found)}; or leave it "
                f"out for the last one."
            )
        return found[layer]
    for name, tensor in reversed(found.items()):
        kind = type(_made(tensor)[0]).__name__
        one_cell = tuple(tensor.shape[1:3]) == (1, 1)
        if not one_cell and not any(word in kind for word in _NO_MAP):
            return found[name]
    raise ValueError("No layer of this model has a map with more than one place.")


def _parts(model: Any) -> Iterator[Any]:
    for layer in model.layers:
        yield layer
        if hasattr(layer, "layers"):
            yield from _parts(layer)


def _floats(operation: Any) -> list:
    return [v for v in getattr(operation, "variables", []) if "float" in str(v.dtype)]


def _weights_before(tensor: Any) -> list:
    """Return the TensorFlow variables of the nearest layer with weights, from a tensor back."""
    for source in reversed(_tensors(tensor)):
        if weights := _floats(_made(source)[0]):
            return [weight.value for weight in weights]
    return []


# --- What was asked for --------------------------------------------------------------------


def _classes(classes: int | ArrayLike | None, n: int, k: int) -> np.ndarray | None:
    if classes is None:
        return None
    asked = np.asarray(classes)
    if asked.dtype.kind not in "iu" or asked.shape not in {(), (n,)}:
        raise ValueError(
            f"classes should be one class number, or a whole number for each of the {n} "
            f"pictures. Yours has the shape {asked.shape} and the type {asked.dtype}."
        )
    if asked.size and (asked.min() < 0 or asked.max() >= k):
        wrong = asked.min() if asked.min() < 0 else asked.max()
        raise ValueError(f"There is no class {wrong}: this model knows the classes 0 to {k - 1}.")
    return np.broadcast_to(asked, (n,)).astype(np.int64)


def _check_scores(scores: np.ndarray, may_be_probabilities: bool) -> None:
    """Refuse what looks like probabilities: slopes of those are not those of the scores."""
    if not np.isfinite(scores).all():
        raise ValueError("The model's scores are not all numbers (NaN or infinite).")
    totals = scores.sum(axis=1)
    if may_be_probabilities and (scores >= 0).all() and np.abs(totals - 1).max() < 1e-3:
        raise ValueError(
            "The scores before the softmax cannot be found in this model. Let it end in "
            'keras.layers.Dense(..., activation="softmax"), or in a Dense layer and then '
            'keras.layers.Activation("softmax").'
        )


def _listed(names: Any) -> str:
    return ", ".join(repr(name) for name in names)


def _said(shape: tuple) -> str:
    """A shape with words for sides of any length."""
    return "(" + ", ".join("any" if side is None else str(side) for side in shape) + ")"

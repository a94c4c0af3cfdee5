"""A small vision transformer, and what each part of a picture looks at inside it.

Keras is imported only when a model is needed.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from course_utils.analysis.saliency import opened
from course_utils.models import import_keras

if TYPE_CHECKING:
    import keras

_EDGE = 32
_BATCH = 64


def build_transformer(
    classes: int = 10,
    seed: int = 42,
    patch: int = 4,
    width: int = 64,
    depth: int = 4,
    heads: int = 4,
) -> keras.Model:
    """Build a small vision transformer, not yet trained.

    The picture is cut into patches. Each patch becomes a token, and one more token, the class
    token, is put before them. In each block every token looks at every token (attention), then
    is changed on its own (two dense layers). The answer is read from the class token.
    Dosovitskiy et al. 2021 (arXiv:2010.11929), with normalization before each part.

    It is made of Keras's own layers only, so that its weights, its configuration and the whole
    model can be saved and read anywhere.

    Parameters
    ----------
    classes : int, default=10
    seed : int, default=42
        Fixes the first weights.
    patch : int, default=4
        Edge of a patch in pixels; it must divide 32.
    width : int, default=64
        Numbers that describe a token; a multiple of ``heads``.
    depth : int, default=4
        Blocks.
    heads : int, default=4
        Ways of looking in each block.

    Returns
    -------
    keras.Model
        Input (n, 32, 32, 3) uint8 in 0..255; output (n, classes) float32, rows sum to one.

    Raises
    ------
    ValueError
        If ``patch`` does not divide 32 or ``heads`` does not divide ``width``.
    """
    if patch < 1 or _EDGE % patch:
        raise ValueError(f"A patch of {patch} pixels does not divide a picture of {_EDGE} pixels.")
    if heads < 1 or width % heads:
        raise ValueError(f"{width} numbers cannot be shared out among {heads} heads.")
    keras = import_keras()
    layers, initializers = keras.layers, keras.initializers
    keras.utils.set_random_seed(seed)
    side = _EDGE // patch

    pictures = layers.Input((_EDGE, _EDGE, 3), dtype="uint8")
    x = layers.Rescaling(1 / 127.5, offset=-1)(pictures)
    x = layers.Reshape((side, patch, side, patch, 3))(x)
    x = layers.Permute((1, 3, 2, 4, 5))(x)
    x = layers.Reshape((side * side, patch * patch * 3), name="patches")(x)
    # The class token is an empty patch in front. What it starts with is its own bias, and the
    # biases of the other tokens are their learned positions: one layer holds all three. Positions
    # begin as large as the patches; with the usual 0.02 it takes several epochs to notice them.
    x = layers.ZeroPadding1D((1, 0))(x)
    x = layers.EinsumDense(
        "npc,cw->npw",
        output_shape=(side * side + 1, width),
        bias_axes="pw",
        bias_initializer=initializers.RandomNormal(stddev=0.5),
        name="tokens",
    )(x)
    for number in range(1, depth + 1):
        y = layers.LayerNormalization(epsilon=1e-6, name=f"norm_{number}a")(x)
        # The scores are asked for here so that :func:`attention` can read them later.
        y, _ = layers.MultiHeadAttention(
            heads, width // heads, use_bias=False, name=f"attention_{number}"
        )(y, y, return_attention_scores=True)
        x = layers.Add(name=f"looked_{number}")([x, y])
        y = layers.LayerNormalization(epsilon=1e-6, name=f"norm_{number}b")(x)
        y = layers.Dense(4 * width, activation="gelu", name=f"widen_{number}")(y)
        y = layers.Dense(width, name=f"narrow_{number}")(y)
        x = layers.Add(name=f"thought_{number}")([x, y])
    x = layers.Cropping1D((0, side * side), name="class_token")(x)
    x = layers.Flatten()(x)
    x = layers.LayerNormalization(epsilon=1e-6, name="norm")(x)
    x = layers.Dense(classes, name="scores")(x)
    answers = layers.Activation("softmax", dtype="float32", name="answers")(x)
    return keras.Model(pictures, answers, name="transformer")


def attention(model: Any, pictures: np.ndarray) -> np.ndarray:
    """Return how much each token looks at each other one, in each block and head.

    Parameters
    ----------
    model : keras.Model
        One of :func:`build_transformer`, or any Functional model whose layers
        ``MultiHeadAttention`` were asked for their scores; or a stand-in whose model is at hand.
    pictures : ndarray of shape (n, 32, 32, 3), uint8

    Returns
    -------
    ndarray of shape (n, depth, heads, tokens, tokens), float32
        ``[..., i, j]`` says how much token ``i`` takes from token ``j``; rows sum to one. Token 0
        is the class token; the others are the patches, row by row.

    Raises
    ------
    ValueError
        If the model has no attention that can be read, the pictures do not fit, or a stand-in's
        model is not at hand.
    """
    model, pictures = opened(model, pictures)
    keras = import_keras()
    looks = [part for part in model.layers if isinstance(part, keras.layers.MultiHeadAttention)]
    scores = [part.output[1] for part in looks if isinstance(part.output, (list, tuple))]
    if not looks or len(scores) < len(looks):
        problem = "keeps its attention to itself" if looks else "has no attention"
        raise ValueError(
            f"This model {problem}. Build one with build_transformer, or ask each "
            f"MultiHeadAttention for its scores: return_attention_scores=True."
        )
    if len({tuple(one.shape[1:]) for one in scores}) > 1:
        raise ValueError("The blocks of this model do not have the same heads and tokens.")
    net = keras.Model(model.inputs[0], scores)
    found = []
    for start in range(0, len(pictures), _BATCH):
        answers = net(pictures[start : start + _BATCH], training=False)
        answers = answers if isinstance(answers, (list, tuple)) else [answers]
        blocks = [keras.ops.convert_to_numpy(keras.ops.cast(one, "float32")) for one in answers]
        found.append(np.stack(blocks, axis=1))
    scores = np.concatenate(found)
    return scores / scores.sum(axis=-1, keepdims=True)  # with 16 bits only nearly one


def rollout(attentions: np.ndarray) -> np.ndarray:
    """Return which patches the class token has taken from, through all blocks.

    Attention rollout (Abnar and Zuidema 2020, arXiv:2005.00928, section 3): heads are averaged;
    each block is ``0.5 A + 0.5 I``, since half of what goes on is the token itself, with rows
    that sum to one; the blocks are multiplied, the last one leftmost. The class token's row is
    the map. It follows attention only: it is the same for every class.

    Parameters
    ----------
    attentions : ndarray of shape (n, depth, heads, tokens, tokens), float
        From :func:`attention`. The first token is the class token, the others make a square.

    Returns
    -------
    ndarray of shape (n, side, side), float32
        Divided by its largest value, so that the strongest patch is 1.

    Raises
    ------
    ValueError
        If the shape is another, or a row is not of numbers that are 0 or more and sum to one.
    """
    patches = rolled(attentions)[:, 0, 1:]
    side = math.isqrt(patches.shape[1])
    if side * side != patches.shape[1] or not side:
        raise ValueError(
            f"{patches.shape[1]} patches do not make a square. The first token should be the "
            f"class token, and the others the patches of the picture."
        )
    strength = patches.max(axis=1, keepdims=True)
    maps = patches / np.where(strength > 0, strength, 1)
    return maps.reshape(-1, side, side).astype(np.float32)


def rolled(attentions: np.ndarray) -> np.ndarray:
    """Return how much of each token is in each other one after all blocks: see :func:`rollout`.

    Parameters
    ----------
    attentions : ndarray of shape (n, depth, heads, tokens, tokens), float

    Returns
    -------
    ndarray of shape (n, tokens, tokens), float64
        Rows sum to one.

    Raises
    ------
    ValueError
        As :func:`rollout`.
    """
    scores = np.asarray(attentions, np.float64)
    if scores.ndim != 5 or scores.shape[-1] != scores.shape[-2] or not scores.size:
        raise ValueError(
            f"The shape should be (n, depth, heads, tokens, tokens), but it is {scores.shape}. "
            f"attentions[None] makes a pile of one picture's."
        )
    # NaN fails the comparison too.
    if not (scores >= 0).all() or np.abs(scores.sum(axis=-1) - 1).max() > 1e-3:
        raise ValueError("Attention should be 0 or more, and each row should sum to one.")
    blocks = scores.mean(axis=2)
    blocks = 0.5 * blocks + 0.5 * np.eye(blocks.shape[-1])
    blocks /= blocks.sum(axis=-1, keepdims=True)
    flow = blocks[:, 0]
    for number in range(1, blocks.shape[1]):
        flow = blocks[:, number] @ flow
    return flow

"""The checks of Stage 4, Build a CNN."""

from __future__ import annotations

import math

import numpy as np

from course_utils.checks.result import Check, Result
from course_utils.checks.sentences import counted, join
from course_utils.checks.values import as_array
from course_utils.evidence import Evidence, Layer, Network, Reference, Unreadable

NAMES = (
    "small_model",
    "model",
    "conv_parameters",
    "first_scores",
    "score_sum",
    "first_accuracy",
)

_MOST = 500_000  # parameters: more would train for too long on a small computer
_CHANCE = (0.02, 0.25)  # where the accuracy of a network without training can be
_PICTURE = (32, 32, 3)
_CONVOLUTIONS = ("Conv2D", "SeparableConv2D")

Fault = tuple[str, str]  # what was seen and expected, and what to do


# --- Steps 1 and 2 -------------------------------------------------------------------------


def build_small(evidence: Evidence, reference: Reference) -> Result:
    """A first network: it fits the pictures and classes, and has the parts of a CNN."""
    network, blank = _network(evidence, "small_model")
    if network is None:
        return blank
    faults = [_does_not_fit(network, "small_model", reference), _lacks(network, "small_model")]
    points = faults.count(None)
    if fault := next(filter(None, faults), None):
        return Result(points, *fault)
    return Result(
        2,
        f"Your first CNN stands: a picture goes in, and {network.output_shape[-1]} scores come "
        f"out. It has {network.parameters:,} parameters.",
    )


def build_cnn(evidence: Evidence, reference: Reference) -> Result:
    """The deeper network: as the first, and with two or more convolutions, not too large."""
    network, blank = _network(evidence, "model")
    if network is None:
        return blank
    faults = [
        _does_not_fit(network, "model", reference),
        _lacks(network, "model"),
        _has_wrong_size(network),
    ]
    points = faults.count(None)
    if fault := next(filter(None, faults), None):
        return Result(points, *fault)
    return Result(
        3,
        f"Your CNN has {len(_convolutions(network))} convolution layers and "
        f"{network.parameters:,} parameters. It can learn.",
    )


def _network(evidence: Evidence, name: str) -> tuple[Network | None, Result | None]:
    """The network of this name, or what to say where there is none."""
    value = evidence.values.get(name)
    if isinstance(value, Network):
        return value, None
    if value is None:
        return None, Result(
            0,
            f"Still to do: {name}.",
            f"Build it with {name} = keras.Sequential([...]) and run the cell. Write "
            f"{name}.summary() on a line of its own.",
        )
    if isinstance(value, list):
        saw = f"{name} is a list of layers. I expected a model."
        return None, Result(0, saw, "Put the list into the brackets of keras.Sequential(...).")
    if isinstance(value, Unreadable) and value.kind.endswith("Error"):
        saw = f"{name} does not know yet how large a picture is. So it has no parameters."
        advice = "Begin the list inside keras.Sequential([...]) with layers.Input((32, 32, 3))."
        return None, Result(0, saw, advice)
    kind = value.kind if isinstance(value, Unreadable) else type(value).__name__
    saw = f"{name} is a {kind}. I expected a Keras model."
    return None, Result(0, saw, "Use keras.Sequential([...]) with a list of layers inside.")


def _does_not_fit(network: Network, name: str, reference: Reference) -> Fault | None:
    """What keeps a network from turning a picture into ten shares."""
    classes = len(reference.class_names)
    if tuple(network.input_shape[1:]) != _PICTURE:
        return (
            f"{name} takes pictures of shape {tuple(network.input_shape[1:])}. I expected "
            f"{_PICTURE}: 32 by 32 dots with 3 colors.",
            "Begin the list with layers.Input((32, 32, 3)).",
        )
    shape = tuple(network.output_shape[1:])
    if shape != (classes,):
        return (
            f"{name} gives {_described(shape)} for each picture. I expected {classes} scores, one "
            "for each class.",
            f"End with a Dense layer of {classes}, after GlobalAveragePooling2D or Flatten.",
        )
    last = network.layers[-1] if network.layers else None
    if last is None or (last.kind != "Softmax" and last.settings.get("activation") != "softmax"):
        return (
            f"The scores of {name} are not shares yet. I expected softmax at the end: then the "
            "ten scores sum to 1.",
            'Give the last Dense layer activation="softmax".',
        )
    return None


def _described(shape: tuple) -> str:
    return counted(shape[0], "score") if len(shape) == 1 else f"a block of shape {shape}"


def _lacks(network: Network, name: str) -> Fault | None:
    """Which part of a CNN is missing, or in the wrong place."""
    kinds = [layer.kind for layer in network.layers]
    if not _convolutions(network):
        return (
            f"{name} has no convolution. I expected at least one Conv2D layer.",
            "Add layers.Conv2D(32, 3, ...) after Rescaling.",
        )
    pools = [kind for kind in kinds if "Pooling" in kind and "Global" not in kind]
    strides = any(max(_pair(layer, "strides", 1)) > 1 for layer in _convolutions(network))
    if not pools and not strides:
        return (
            f"{name} has no pooling. I expected a layer that makes the maps smaller step by step.",
            "Add layers.MaxPooling2D() after a Conv2D layer.",
        )
    scales = [_number(layer, "scale") for layer in network.layers if layer.kind == "Rescaling"]
    if not scales and "Normalization" not in kinds and kinds[0] != "BatchNormalization":
        return (
            f"{name} does not scale the pixels. They come as whole numbers up to 255.",
            "Put layers.Rescaling(1 / 255) right after Input.",
        )
    if scales and max(scales) > 0.1:
        return (
            f"The Rescaling layer of {name} multiplies by {max(scales):g}. So the pixels do not "
            "get small.",
            "It multiplies by the number in its brackets: use 1 / 255.",
        )
    return None


def _has_wrong_size(network: Network) -> Fault | None:
    """Whether the grown network is too large, or has not grown."""
    if network.parameters >= _MOST:
        largest = max(network.layers, key=lambda layer: layer.parameters)
        return (
            f"model has {network.parameters:,} parameters. I expected fewer than {_MOST:,}, so "
            f"that it trains fast. The {largest.kind} layer alone has {largest.parameters:,}.",
            "Use fewer filters, or GlobalAveragePooling2D in place of Flatten.",
        )
    if len(_convolutions(network)) < 2:
        return (
            "model has only one convolution layer. I expected two or more.",
            "Add the other blocks of the table, between the first block and the end.",
        )
    return None


def _convolutions(network: Network) -> list[Layer]:
    return [layer for layer in network.layers if layer.kind in _CONVOLUTIONS]


def _pair(layer: Layer, setting: str, default: int) -> tuple[int, int]:
    """A setting that Keras keeps as two numbers."""
    array = as_array(layer.settings.get(setting))
    return tuple(np.resize(array, 2).astype(int)) if array is not None else (default, default)


def _number(layer: Layer, setting: str) -> float:
    array = as_array(layer.settings.get(setting))
    return float(np.max(array)) if array is not None and array.size else math.nan


# --- Step 3 ------------------------------------------------------------------------------


def count_parameters(evidence: Evidence, reference: Reference) -> Result:
    """The parameters of the student's own first convolution, counted by hand."""
    network, blank = _network(evidence, "model")
    if evidence.values.get("conv_parameters") is None:
        return Result(
            0,
            "Still to do: conv_parameters.",
            "Write a sum with * and +, such as 5 * 5 * 1 * 4 + 4, with your own numbers.",
        )
    if network is None:
        return Result(0, f"I count along in your model. {blank.saw}", blank.try_next)
    first = next(iter(_convolutions(network)), None)
    if first is None:
        return Result(0, "model has no Conv2D layer whose parameters I can count.", "Do Step 2.")
    array = as_array(evidence.values["conv_parameters"])
    if array is None or array.size != 1 or array.dtype.kind == "b":
        saw = "conv_parameters is not one number. I expected one whole number."
        return Result(0, saw, "Write only the sum on the right of the =.")
    found, right = float(array.ravel()[0]), first.parameters
    if found == right:
        return Result(2, f"{right} it is. You counted just as Keras does.")
    return Result(0, *_miscounted(found, first, network))


def _miscounted(found: float, first: Layer, network: Network) -> Fault:
    """Recognise a typical slip in the count."""
    height, width = _pair(first, "kernel_size", 3)
    filters = int(np.nan_to_num(_number(first, "filters")))
    colors = network.input_shape[-1] or _PICTURE[-1]
    window = height * width * colors
    biases = filters if first.settings.get("use_bias", True) else 0
    slips = {
        window * filters: ("You left out the biases.", "Each filter has one bias: add them."),
        height * width * filters + filters: (
            f"You left out the {colors} colors.",
            "Each dot of the window has 3 numbers: red, green and blue.",
        ),
        window + 1: (
            f"That is one filter. Your layer has {filters}.",
            "Take the weights and the bias of one filter times the number of filters.",
        ),
        window * filters + 1: (
            "You added only one bias.",
            f"Each of the {filters} filters has a bias of its own.",
        ),
        window: (
            "These are the weights of one filter.",
            "Add its bias. Then take it times the number of filters.",
        ),
        network.parameters: (
            "That is the whole model. I expected only its first Conv2D layer.",
            "Count the weights and biases of the first Conv2D layer.",
        ),
    }
    if not biases:
        slips[(window + 1) * filters] = ("Your layer has no biases.", "Leave them out.")
    slips.pop(first.parameters, None)
    saw, try_next = slips.get(
        found,
        (
            f"I expected the number for {counted(filters, 'filter')} of {height} by {width} dots "
            f"with {colors} colors.",
            "Multiply the dots of the window by the colors and by the filters. Then add the "
            "biases.",
        ),
    )
    return f"conv_parameters is {found:g}. {saw}", try_next


# --- Step 4 ------------------------------------------------------------------------------


def guess_badly(evidence: Evidence, reference: Reference) -> Result:
    """Scores of validation pictures that sum to one, and an accuracy about chance."""
    names = ("first_scores", "score_sum", "first_accuracy")
    blank = [name for name in names if evidence.values.get(name) is None]
    if blank:
        return Result(
            0,
            f"Still to do: {join(blank)}.",
            "Replace each ... in the cell above and run it again. Use exactly these names.",
        )
    scores, sums, accuracy = (as_array(evidence.values[name]) for name in names)
    classes, count = len(reference.class_names), len(reference.labels)
    if scores is None or scores.ndim != 2 or scores.shape[1] != classes or len(scores) < 10:
        columns = scores is not None and scores.ndim == 2 and scores.shape[1] != classes
        return Result(
            0,
            f"first_scores is {'no table' if scores is None else f'of shape {scores.shape}'}. I "
            f"expected {classes} scores for each of many pictures.",
            f"End model with a Dense layer of {classes}, and run this cell again."
            if columns
            else "Use model.predict(x_val).",
        )
    if len(scores) > count:
        return Result(
            0,
            f"first_scores has {len(scores)} rows, and there are {count} validation pictures.",
            "Predict the validation pictures: x_val. The training pile is for Stage 5.",
        )
    if not np.allclose(scores.sum(axis=1), 1, atol=0.01):
        return Result(
            0,
            "The ten scores of a picture do not sum to 1. I expected shares.",
            'Give the last layer of model activation="softmax". Then run this cell again.',
        )
    points, notes, advice = 0, [], ""
    if (
        sums is not None
        and sums.size
        and sums.dtype.kind != "b"
        and np.allclose(sums, 1, atol=0.01)
    ):
        points, notes = 1, ["The ten scores sum to 1."]
    else:
        notes = ["score_sum is not 1. I expected the sum of the ten scores of one picture."]
        advice = "first_scores[0] holds the scores of picture 0. Add .sum() to it."
    right = float((scores.argmax(axis=1) == reference.labels[: len(scores)]).mean())
    found = None if accuracy is None or accuracy.size != 1 else float(accuracy.ravel()[0])
    matches = found is not None and min(abs(found - right), abs(found / 100 - right)) <= 0.005
    if not matches:
        said = "not one number" if found is None else f"{found:.4g}"
        notes.append(f"first_accuracy is {said}. I compared the guesses and found {right:.3f}.")
        advice = advice or _accuracy_advice(found, right, len(scores))
    elif not _CHANCE[0] <= right <= _CHANCE[1]:
        notes.append(
            f"But {right:.0%} right is not chance. I expected about {1 / classes:.0%} from a model "
            "that has not learned."
        )
        advice = advice or "Build the model again (Step 2), then predict. Do not train it yet."
    else:
        points += 1
        notes.append(f"{right:.1%} right: that is about chance, as for any guess.")
    return Result(points, " ".join(notes), advice)


def _accuracy_advice(found: float | None, right: float, count: int) -> str:
    if found is not None and math.isclose(found, right * count, abs_tol=0.5):
        return "You counted the right guesses. Take the share: .mean() in place of .sum()."
    if found is not None and math.isclose(found, 1 - right, abs_tol=0.005):
        return "That is the share of wrong guesses. Use == to find the right ones."
    return "Compare argmax(axis=1) of first_scores with argmax(axis=1) of y_val. Then .mean()."


# --- Step 5 ------------------------------------------------------------------------------


def save_network(evidence: Evidence, reference: Reference) -> Result:
    """The network waits in the workspace."""
    if "network" in reference.work.get("saved", ()):
        return Result(1, "Your network is saved. It waits for Stage 5.")
    network, blank = _network(evidence, "model")
    if network is None:
        return Result(0, f"Nothing is saved yet. {blank.saw}", blank.try_next)
    return Result(
        0, "Still to do: your network is not saved yet.", "Save it: cu.save(network=model)."
    )


CHECKS = {
    "build_small": Check(build_small, 2),
    "build_cnn": Check(build_cnn, 3),
    "count_parameters": Check(count_parameters, 2),
    "guess_badly": Check(guess_badly, 2),
    "save_network": Check(save_network, 1),
}

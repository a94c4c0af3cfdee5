"""Stage 4: what students hand in, right and wrong. The other answers are those of the solution."""

from __future__ import annotations

from autograder.samples import Sample

FULL = (2, 3, 2, 2, 1)
INPUT = "    layers.Input((32, 32, 3)),\n"
RESCALING = "    layers.Rescaling(1 / 255),\n"
BODY = """\
    layers.Conv2D(32, 3, activation="relu"),
    layers.MaxPooling2D(),
    layers.Conv2D(64, 3, activation="relu"),
    layers.MaxPooling2D(),
"""
END = '    layers.GlobalAveragePooling2D(),\n    layers.Dense(10, activation="softmax"),\n'
SEED = "keras.utils.set_random_seed(42)\n"
MODEL = SEED + "model = keras.Sequential([\n" + INPUT + RESCALING + BODY + END + "])\n"
GUESS = """\
first_scores = model.predict(x_val, verbose=0)
score_sum = first_scores[0].sum()
first_accuracy = (first_scores.argmax(axis=1) == y_val.argmax(axis=1)).mean()
"""


def cnn(old: str, new: str) -> dict[str, str]:
    """A right network with one change."""
    assert old in MODEL
    return {"build_cnn": MODEL.replace(old, new) + "model.summary()\n"}


MISTAKES = [
    Sample(
        "no_softmax",
        cnn(', activation="softmax"', ""),
        (2, 2, 2, 0, 1),
        {"build_cnn": "softmax", "guess_badly": "sum to 1"},
    ),
    Sample(
        "kept_the_summary",
        {"build_cnn": MODEL.rstrip() + ".summary()\n"},
        (2, 0, 0, 0, 0),
        {"build_cnn": "on a line of its own", "save_network": "Nothing is saved"},
    ),
    Sample(
        "no_input",
        cnn(INPUT, ""),
        (2, 0, 0, 2, 1),
        {"build_cnn": "layers.Input", "count_parameters": "layers.Input"},
    ),
    Sample(
        "only_a_list",
        {"build_cnn": "model = [\n" + INPUT + RESCALING + BODY + END + "]\n"},
        (2, 0, 0, 0, 0),
        {"build_cnn": "keras.Sequential"},
    ),
    Sample(
        "too_large",
        cnn(END, '    layers.Flatten(),\n    layers.Dense(300, activation="relu"),\n' + END[36:]),
        (2, 2, 2, 2, 1),
        {"build_cnn": "fewer than 500,000"},
    ),
    Sample(
        "plain_model_again",
        {"build_small": "small_model = plain_model\n"},
        (1, 3, 2, 2, 1),
        {"build_small": "no convolution"},
    ),
    Sample(
        "not_grown",
        {"build_cnn": "model = small_model\n"},
        (2, 2, 2, 2, 1),
        {"build_cnn": "only one convolution"},
    ),
    Sample(
        "hundred_scores",
        cnn("Dense(10", "Dense(100"),
        (2, 2, 2, 0, 1),
        {"build_cnn": "100 scores", "guess_badly": "10 scores"},
    ),
    Sample(
        "biases_left_out",
        {"count_parameters": "conv_parameters = 3 * 3 * 3 * 32\n"},
        (2, 3, 0, 2, 1),
        {"count_parameters": "left out the biases"},
    ),
    Sample(
        "colors_left_out",
        {"count_parameters": "conv_parameters = 3 * 3 * 32 + 32\n"},
        (2, 3, 0, 2, 1),
        {"count_parameters": "left out the 3 colors"},
    ),
    Sample(
        "whole_model_counted",
        {"count_parameters": "conv_parameters = model.count_params()\n"},
        (2, 3, 0, 2, 1),
        {"count_parameters": "whole model"},
    ),
    Sample(
        "right_guesses_counted",
        {"guess_badly": GUESS.replace(".mean()", ".sum()")},
        (2, 3, 2, 1, 1),
        {"guess_badly": "Take the share"},
    ),
    Sample(
        "copied_the_answers",
        {"guess_badly": GUESS.replace("model.predict(x_val, verbose=0)", "y_val")},
        (2, 3, 2, 1, 1),
        {"guess_badly": "is not chance"},
    ),
    Sample("not_saved", {"save_network": ""}, (2, 3, 2, 2, 0), {"save_network": "cu.save"}),
]

STYLES = [
    Sample(
        "layer_by_layer",
        {
            "build_cnn": SEED
            + """\
model = keras.Sequential()
model.add(keras.Input((32, 32, 3), dtype="uint8"))
model.add(layers.Rescaling(1 / 127.5, offset=-1))
for filters in (32, 64, 128):
    model.add(layers.Conv2D(filters, 3, padding="same", use_bias=False))
    model.add(layers.BatchNormalization())
    model.add(layers.ReLU())
    model.add(layers.MaxPooling2D())
model.add(layers.Flatten())
model.add(layers.Dense(10))
model.add(layers.Activation("softmax"))
""",
            "count_parameters": "conv_parameters = 3 * 3 * 3 * 32\n",
        },
        FULL,
    ),
    Sample(
        "functional",
        {
            "build_small": "i = keras.Input((32, 32, 3))\nx = layers.Rescaling(1 / 255)(i)\n"
            "x = layers.Conv2D(16, (5, 5), activation='relu')(x)\n"
            "x = layers.AveragePooling2D(4)(x)\nx = layers.Flatten()(x)\n"
            "small_model = keras.Model(i, layers.Dense(10, activation='softmax')(x))\n",
            "build_cnn": SEED
            + """\
i = keras.Input((32, 32, 3))
x = layers.Rescaling(1 / 255)(i)
x = layers.Conv2D(24, 5, strides=2, activation="relu", padding="same")(x)
x = layers.Conv2D(48, 3, strides=2, activation="relu", padding="same")(x)
x = layers.GlobalMaxPooling2D()(x)
x = layers.Dense(10)(x)
model = keras.Model(i, layers.Softmax()(x))
""",
            "count_parameters": "conv_parameters = 24 * (5 * 5 * 3 + 1)\n",
        },
        FULL,
    ),
    Sample(
        "a_part_in_percent",
        {
            "build_cnn": MODEL,
            "count_parameters": "conv_parameters = np.array([896.0])\n",
            "guess_badly": """\
first_scores = model(x_val[:200])
score_sum = np.sum(first_scores, axis=1)
guesses = np.argmax(first_scores, axis=1)
right = [g == t for g, t in zip(guesses, np.argmax(y_val, axis=1))]
first_accuracy = 100 * sum(right) / len(right)
""",
        },
        FULL,
    ),
]

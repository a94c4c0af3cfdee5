"""Submissions for Stage 5. What a sample does not answer comes from the solution."""

from __future__ import annotations

from autograder.samples import Sample

FULL = (1, 2, 3, 3, 1)

# A training that takes seconds. It stays below the floor, which costs one point.
QUICK = """\
model.compile(optimizer="adam", loss="categorical_crossentropy", metrics=["accuracy"])
history = model.fit(
    x_train[:1280], y_train[:1280], validation_data=(x_val, y_val), epochs=2, verbose=0
)
"""

MISTAKES = [
    Sample(
        "no_validation_pile",
        {
            "train_model": QUICK.replace("validation_data=(x_val, y_val), ", ""),
            "plot_curves": """\
plt.plot(history.history["loss"], label="training")
plt.legend()
plt.show()
""",
            "save_model": "cu.save(history=history)\n",
        },
        (1, 1, 1, 0, 0),
        {
            "train_model": "no validation values",
            "plot_curves": "The validation loss, the training accuracy and the validation",
            "save_model": "model is not saved yet",
        },
    ),
    Sample(
        "lines_without_names",
        {
            "plan_training": 'epochs = "8"\n',
            "train_model": QUICK,
            "plot_curves": """\
plt.plot(history.history["loss"], label="training")
plt.plot(history.history["val_loss"], label="validation")
plt.show()
plt.plot(history.history["accuracy"], label="training")
plt.plot(history.history["val_accuracy"], label="validation")
plt.show()
""",
            "read_curves": """\
best_epoch = max(history.history["val_accuracy"])
gap = "large"
overfits = "maybe"
""",
        },
        (0, 1, 2, 0, 1),
        {
            "plan_training": "without quotes",
            "train_model": "I expected more than 0.50",
            "plot_curves": "Nothing on the plot says which line is which",
            "read_curves": "best_epoch is the accuracy of the best epoch",
        },
    ),
    Sample(
        "another_loss_and_swapped_names",
        {
            "plan_training": "epochs = 1\n",
            "train_model": QUICK.replace("categorical_crossentropy", "mse"),
            "plot_curves": """\
for name in ["loss", "accuracy"]:
    plt.plot(history.history[name])
    plt.plot(history.history["val_" + name])
    plt.legend(["validation", "training"])
    plt.show()
""",
            "save_model": "cu.save(model=model)\n",
        },
        (0, 1, 2, 3, 0),
        {
            "plan_training": "one dot does not make a curve",
            "train_model": "another loss than categorical cross-entropy",
            "plot_curves": "The names are swapped",
            "save_model": "history is not saved yet",
        },
    ),
    Sample(
        "compile_in_place_of_fit",
        {
            "train_model": """\
history = model.fit
""",
            "plot_curves": "plt.bar([1, 2], [0.5, 0.6])\nplt.show()\n",
            "read_curves": "best_epoch = 2\n",
            "save_model": "",
        },
        (1, 0, 0, 0, 0),
        {
            "train_model": "with the brackets",
            "plot_curves": "no lines",
            "read_curves": "Finish Step 2 first",
            "save_model": "Still to do",
        },
    ),
    Sample(
        "only_the_accuracy_and_another_epoch",
        {
            "train_model": QUICK.replace("verbose=0", "verbose=0, batch_size=640"),
            "plot_curves": """\
plt.plot(history.history["accuracy"], label="train")
plt.plot(history.history["val_accuracy"], label="val")
plt.legend()
plt.show()
""",
            "read_curves": """\
best_epoch = 17
gap = history.history["loss"][-1]
overfits = 3
""",
        },
        (1, 1, 2, 0, 1),
        {
            "plot_curves": "The training loss and the validation loss are missing",
            "read_curves": "In another epoch the validation accuracy is higher",
        },
    ),
]

STYLES = [
    Sample(
        "plain_adam_and_two_figures",
        {
            "train_model": """\
model.compile("adam", "categorical_crossentropy", metrics=["accuracy"])
history = model.fit(
    x_train, y_train, 128, epochs=epochs, verbose=0, validation_data=(x_val, y_val)
)
""",
            "plot_curves": """\
plt.plot(history.history["loss"])
plt.plot(history.history["val_loss"])
plt.legend(["training", "validation"])
plt.show()
plt.plot(100 * np.array(history.history["accuracy"]))
plt.plot(100 * np.array(history.history["val_accuracy"]))
plt.legend(["training", "validation"])
plt.ylabel("percent")
plt.show()
""",
            "read_curves": """\
scores = history.history["val_accuracy"]
best_epoch = scores.index(max(scores)) + 1
gap = round(history.history["accuracy"][-1] - scores[-1], 3)
overfits = "yes" if gap > 0.05 else "no"
""",
        },
        FULL,
    ),
    Sample(
        "the_dictionary_itself",
        {
            "plan_training": "epochs = 6\n",
            "train_model": """\
import keras
model.compile(
    optimizer=keras.optimizers.AdamW(cu.learning_rate(epochs, len(x_train))),
    loss=keras.losses.CategoricalCrossentropy(),
    metrics=["accuracy"],
)
history = model.fit(
    x_train, y_train, validation_data=(x_val, y_val), epochs=epochs, batch_size=128, verbose=0
).history
""",
            "plot_curves": """\
for name in history:
    plt.plot(history[name], label=name)
plt.legend()
""",
            "read_curves": """\
best_epoch = np.argmax(history["val_accuracy"]) + 1
gap = np.array(history["accuracy"])[-1] - np.array(history["val_accuracy"])[-1]
overfits = bool(gap >= 0.05)
""",
            "save_model": "cu.save(history=history)\ncu.save(model=model)\n",
        },
        FULL,
    ),
    Sample(
        "four_plots_and_words",
        {
            "plot_curves": """\
for name in ["loss", "val_loss", "accuracy", "val_accuracy"]:
    plt.plot(history.history[name])
    plt.title(name)
    plt.show()
""",
            "read_curves": """\
best_epoch = str(int(np.argmax(history.history["val_accuracy"])) + 1)
percent = 100 * (history.history["accuracy"][-1] - history.history["val_accuracy"][-1])
gap = f"{percent:.1f} %"
overfits = "It overfits" if percent > 5 else "It does not overfit"
""",
        },
        FULL,
    ),
]

"""Submissions for Stage 8. What a sample does not answer comes from the solution."""

from __future__ import annotations

from autograder.samples import Sample

FULL = (1, 2, 2, 2, 3)

# A training that takes seconds, where it is not replayed from the record.
# No sample knows which model comes out better.
QUICK = """\
import keras

changes = [cu.flip]
improved = cu.untrained(model)
steps = cu.learning_rate(epochs, 1280)
optimizer = keras.optimizers.AdamW(steps, weight_decay=0.02)
improved.compile(optimizer=optimizer, loss="categorical_crossentropy", metrics=["accuracy"])
history = improved.fit(
    cu.batches(x_train[:1280], y_train[:1280], changes=changes),
    validation_data=(x_val, y_val), epochs=epochs, verbose=0,
)
"""

COPIES = """\
photo = x_train[0]
copies = np.stack([photo] * 6)
rng = np.random.default_rng(42)
"""

MIX = """\
few_pictures, few_labels = x_train[:4], y_train[:4]
rng = np.random.default_rng(22)
mixed_pictures, mixed_labels = cu.cutmix(few_pictures, few_labels, rng, probability=1)
show_row(mixed_pictures[:2], [label_text(mixed_labels[0]), label_text(mixed_labels[1])])
share_left = 1 - (8 * 16) / (32 * 32)
"""

TABLE = """\
after_predictions = improved.predict(x_test, verbose=0)
after_right = after_predictions.argmax(axis=1) == y_test.argmax(axis=1)
accuracy_after = after_right.mean()
sure_wrong_after = (~after_right & (after_predictions.max(axis=1) >= 0.9)).sum()
fixed = (~before_right & after_right).sum()
regressed = (before_right & ~after_right).sum()
"""

MISTAKES = [
    Sample(
        "one_photo_is_no_pile",
        {
            "show_changes": COPIES + "flipped = cu.flip(photo, rng)\n"
            "cropped = cu.crop(copies, rng)\nshow_row(cropped)\n",
            "mix_pictures": MIX.replace("1 - (8", "(8"),
            "train_improved": QUICK,
        },
        (0, 1, 2, 2, 3),
        {
            "show_changes": "Still to do: flipped",
            "mix_pictures": "the share of the box",
        },
    ),
    Sample(
        "pictures_mixed_but_not_labels",
        {
            "show_changes": COPIES + "flipped = cu.flip(copies, rng)\n"
            "cropped = cu.crop(copies, rng)\n",
            "mix_pictures": MIX + "mixed_labels = few_labels\n",
            "train_improved": QUICK.replace("epochs=epochs", "epochs=3"),
        },
        (0, 1, 1, 2, 3),
        {
            "show_changes": "I saw no picture on the screen",
            "mix_pictures": "The labels are not mixed",
            "train_improved": "trained for 3 epochs, the model before for 8",
        },
    ),
    Sample(
        "lists_in_place_of_counts",
        {
            "train_improved": QUICK,
            "compare_models": TABLE + "fixed = np.where(~before_right & after_right)[0]\n"
            "regressed = np.where(before_right & ~after_right)[0]\n",
            "judge_gain": """\
p_value = binomtest(len(fixed), len(fixed) + len(regressed), 0.5).pvalue
verdict = "cannot tell" if p_value < 0.05 else "better"
""",
        },
        (1, 2, 2, 1, 2),
        {"compare_models": "fixed holds many values"},
    ),
    Sample(
        "fixed_and_regressed_swapped",
        {
            "train_improved": QUICK,
            "compare_models": TABLE + "fixed, regressed = regressed, fixed\n",
            "judge_gain": "p_value = binomtest(fixed, fixed + regressed, 0.5).pvalue\n"
            'verdict = "cannot tell" if p_value < 0.05 else "worse"\n',
        },
        (1, 2, 2, 1, 2),
        {"compare_models": "swapped"},
    ),
    Sample(
        "all_pictures_as_tosses",
        {
            "train_improved": QUICK,
            "compare_models": TABLE.replace("~after_right & (after_p", "(after_p"),
            "judge_gain": "p_value = binomtest(regressed, len(x_test), 0.5).pvalue\n"
            'verdict = "0.05"\n',
        },
        (1, 2, 2, 1, 1),
        {"compare_models": "all sure pictures", "judge_gain": "all test pictures as tosses"},
    ),
    Sample(
        "same_model_twice",
        {
            "train_improved": QUICK,
            "compare_models": TABLE.replace("improved.predict", "model.predict"),
            "judge_gain": 'p_value = binomtest(1, 2, 0.5)\nverdict = "no better"\n',
        },
        (1, 2, 2, 0, 0),
        {"compare_models": "the very same answers", "judge_gain": "BinomTestResult"},
    ),
]

STYLES = [
    Sample(
        "mirrored_by_hand",
        {
            "show_changes": """\
rng = np.random.default_rng(1)
photo = x_train[5]
flipped = photo[:, ::-1]
cropped = cu.crop(np.repeat(x_train[5:6], 3, axis=0), rng)
for picture in [photo, flipped, cropped[0]]:
    plt.imshow(picture)
    plt.show()
""",
            "mix_pictures": """\
few_pictures, few_labels = x_train[:4], y_train[:4]
mixed = cu.cutmix(few_pictures, few_labels, np.random.default_rng(32), probability=1)
mixed_pictures, mixed_labels = mixed
for n in range(4):
    plt.subplot(1, 4, n + 1)
    plt.imshow(mixed_pictures[n])
    plt.title(label_text(mixed_labels[n]), fontsize=7)
plt.show()
share_left = "87.5 %"
""",
            "train_improved": QUICK,
        },
        FULL,
    ),
    Sample(
        "counted_in_a_loop",
        {
            "train_improved": QUICK,
            "compare_models": """\
after_predictions = improved.predict(x_test, verbose=0)
after_right = np.argmax(after_predictions, 1) == np.argmax(y_test, 1)
accuracy_after = round(100 * after_right.mean(), 2)
fixed, regressed, sure_wrong_after = 0, 0, 0
for before, after, row in zip(before_right, after_right, after_predictions):
    fixed += after and not before
    regressed += before and not after
    sure_wrong_after += not after and row.max() >= 0.9
""",
            "judge_gain": """\
from scipy.stats import binom
p_value = round(2 * binom.cdf(min(fixed, regressed), fixed + regressed, 0.5), 4)
verdict = "It got worse!" if p_value < 0.05 else "can't tell"
""",
        },
        FULL,
    ),
    Sample(
        "with_cutmix",
        {
            "train_improved": QUICK.replace("[cu.flip]", "(cu.flip, cu.crop)").replace(
                "changes=changes)", "changes=changes, mix=cu.cutmix)"
            ),
            "compare_models": """\
after_predictions = np.array(improved.predict(x_test, verbose=0))
true = y_test.argmax(axis=1)
before, after = before_predictions.argmax(axis=1), after_predictions.argmax(axis=1)
after_right = after == true
accuracy_after = float(np.mean(after == true))
sure_wrong_after = len([n for n in np.where(after != true)[0] if after_predictions[n].max() >= 0.9])
fixed = int(np.sum((before != true) & (after == true)))
regressed = np.count_nonzero(np.logical_and(before == true, after != true))
""",
            "judge_gain": """\
p_value = binomtest(regressed, regressed + fixed).pvalue
if p_value >= 0.05:
    verdict = "Cannot tell"
elif fixed > regressed:
    verdict = "Better"
else:
    verdict = "Worse"
""",
        },
        FULL,
    ),
]

"""Submissions for Stage 6. What a sample does not answer comes from the solution."""

from __future__ import annotations

from autograder.samples import Sample

FULL = (2, 1, 2, 2, 3)

MISTAKES = [
    Sample(
        "divided_pixels",
        {
            "predict_score": """\
val_predictions = model.predict(x_val / 255, verbose=0)
val_accuracy = (val_predictions.argmax(axis=1) == y_val.argmax(axis=1)).mean()
score_guess = 0.8
""",
            "open_test": """\
x_test, y_test = cu.open_seal()
test_predictions = model.predict(x_test / 255, verbose=0)
""",
        },
        (1, 0, 0, 0, 0),
        {
            "predict_score": "hardly better than guessing",
            "open_test": "are not this model's answers",
            "gap_and_save": "in it are missing or old",
        },
    ),
    Sample(
        "choices_in_place_of_scores",
        {
            "open_test": """\
x_test, y_test = cu.open_seal()
test_predictions = model.predict(x_test, verbose=0).argmax(axis=1)
"""
        },
        (2, 0, 0, 0, 0),
        {
            "open_test": "test_predictions has shape",
            "top_scores": "Still to do: test_top1 and test_top3",
            "gap_and_save": "Still to do: gap and luck",
        },
    ),
    Sample(
        "the_other_way_round",
        {
            "predict_score": """\
val_predictions = model.predict(x_val, verbose=0)
val_accuracy = (val_predictions.argmax(axis=1) != y_val.argmax(axis=1)).mean()
score_guess = "good"
""",
            "top_scores": """\
true_labels = y_test.argmax(axis=1)
chosen_labels = test_predictions.argmax(axis=1)
test_top1 = (true_labels != chosen_labels).mean()
test_top3 = top_k_accuracy_score(true_labels, test_predictions)
""",
            "fair_scores": """\
test_macro_f1 = f1_score(true_labels, chosen_labels, average=None)
test_log_loss = np.log(test_predictions.max(axis=1)).mean()
""",
            "gap_and_save": """\
gap = "small"
luck = 0.5
cu.save(predictions=test_predictions)
""",
        },
        (0, 1, 0, 0, 0),
        {
            "predict_score": "the share of mistakes",
            "top_scores": "the share of mistakes",
            "fair_scores": "ten values",
            "gap_and_save": "luck is not the swing",
        },
    ),
    Sample(
        "the_seal_stays_closed",
        {"open_test": "x_test, y_test = x_val, y_val\ntest_predictions = val_predictions\n"},
        (2, 0, 0, 0, 0),
        {"open_test": "The seal is still closed", "fair_scores": "The seal is still closed"},
    ),
    Sample(
        "counted_and_not_divided",
        {
            "top_scores": """\
true_labels = y_test.argmax(axis=1)
chosen_labels = test_predictions.argmax(axis=1)
test_top1 = (true_labels == chosen_labels).sum()
test_top3 = top_k_accuracy_score(true_labels, test_predictions, k=3)
""",
            "fair_scores": """\
test_macro_f1 = f1_score
true_score = test_predictions[np.arange(len(true_labels)), true_labels].astype(float)
test_log_loss = -np.log10(true_score).mean()
""",
        },
        (2, 1, 1, 0, 1),
        {
            "top_scores": "test_top1 counts pictures",
            "fair_scores": "another logarithm",
            "gap_and_save": "I expected test accuracy minus validation accuracy",
        },
    ),
    Sample(
        "one_name_for_two_things",
        {"open_test": "x_test = cu.open_seal()\ntest_predictions = model.predict(x_val)\n"},
        (2, 0, 0, 0, 0),
        {"open_test": "x_test holds two things"},
    ),
]

STYLES = [
    Sample(
        "numpy_alone",
        {
            "top_scores": """\
true_labels = np.argmax(y_test, axis=1)
chosen_labels = np.argmax(test_predictions, axis=1)
test_top1 = np.mean(true_labels == chosen_labels)
best_three = np.argsort(test_predictions, axis=1)[:, -3:]
test_top3 = np.mean([true in three for true, three in zip(true_labels, best_three)])
""",
            "fair_scores": """\
each = []
for number in range(10):
    both = ((true_labels == number) & (chosen_labels == number)).sum()
    each.append(2 * both / ((true_labels == number).sum() + (chosen_labels == number).sum()))
test_macro_f1 = np.mean(each)
true_scores = test_predictions[np.arange(len(true_labels)), true_labels]
test_log_loss = -np.mean(np.log(true_scores.astype("float64")))
""",
        },
        FULL,
    ),
    Sample(
        "in_percent_and_rounded",
        {
            "predict_score": """\
val_predictions = np.argmax(model.predict(x_val, verbose=0), axis=1)
hits = val_predictions == np.argmax(y_val, axis=1)
val_accuracy = round(100 * sum(hits) / len(hits), 1)
score_guess = "70 %"
""",
            "top_scores": """\
true_labels = y_test.argmax(axis=1)
chosen_labels = test_predictions.argmax(axis=1)
test_top1 = round(100 * accuracy_score(true_labels, chosen_labels), 1)
test_top3 = f"{top_k_accuracy_score(true_labels, test_predictions, k=3):.1%}"
""",
            "gap_and_save": """\
gap = test_top1 - val_accuracy
luck = 100 * luck_margin(val_accuracy / 100, len(x_val))
names = ["top1", "top3", "macro_f1", "log_loss"]
score = dict(zip(names, [test_top1, test_top3, test_macro_f1, test_log_loss]))
cu.save(score=score)
cu.save(predictions=test_predictions)
""",
        },
        FULL,
    ),
    Sample(
        "lists_and_one_hot_labels",
        {
            "predict_score": """\
val_predictions = model.predict(x_val, verbose=0)
right = 0
for scores, label in zip(val_predictions, y_val):
    if scores.argmax() == label.argmax():
        right = right + 1
val_accuracy = right / len(x_val)
score_guess = val_accuracy
""",
            "open_test": """\
x_test, y_test = cu.open_seal()
test_predictions = model.predict(x_test, verbose=0).tolist()
""",
            "top_scores": """\
true_labels = [row.argmax() for row in y_test]
chosen_labels = [int(np.argmax(row)) for row in test_predictions]
test_top1 = accuracy_score(true_labels, chosen_labels)
test_top3 = top_k_accuracy_score(true_labels, np.array(test_predictions), k=3)
""",
            "fair_scores": """\
test_macro_f1 = f1_score(true_labels, chosen_labels, average="macro")
test_log_loss = log_loss(y_test, np.array(test_predictions, dtype="float32"))
""",
            "gap_and_save": """\
gap = test_top1 - val_accuracy
luck = 1.96 * (test_top1 * (1 - test_top1) / len(x_test)) ** 0.5
score = {"top1": test_top1, "top3": test_top3}
score.update(macro_f1=test_macro_f1, log_loss=test_log_loss)
cu.save(score=score, predictions=test_predictions)
""",
        },
        FULL,
    ),
]

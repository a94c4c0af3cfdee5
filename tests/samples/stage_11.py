"""What students hand in for the evaluation report, with the points it deserves.

Each sample gives only what differs from the solution. They are graded on a model that was just
trained, so no answer may depend on its numbers. The steps hardly depend on each other, so one
sample holds a mistake of each: the notebook looks into a network, and takes its time.
"""

from autograder.samples import Sample

FULL = (2, 2, 2, 2, 2)

_COLUMNS = """\
prob_pred = probabilities.max(axis=1)
prob_true = (probabilities * y_test).sum(axis=1)
correct = predicted_labels == true_labels
"""
_MATRIX = """\
row_shares = counts / counts.sum(axis=1, keepdims=True)
beside = counts - np.diag(np.diag(counts))
true, said = [class_names[n] for n in np.unravel_index(beside.argmax(), beside.shape)]
most_confused = (true, said)
"""
_INTERVAL = """\
each = np.diag(counts)
interval = analysis.wilson(each.min(), 200)
more_than_chance = bool(found.p_value < 0.05)
"""
_FIND = """\
wrong = np.flatnonzero(predicted_labels != true_labels)
order = np.argsort(-prob_pred[wrong], kind="stable")
sure_wrong = wrong[order][:how_many]
"""
_SHOW = """\
analysis.plots.pictures_grid(x_test, sure_wrong, probabilities, true_labels, class_names)
"""
_WORD = """\
gaps = abs(bins["accuracy"] - bins["confidence"])
weights = bins["n"] / len(x_test)
sure_accuracy = correct[prob_pred >= 0.9].mean()
ece = (weights * gaps).sum()
"""

MISTAKES = [
    Sample(
        "the_wrong_way_round",
        {
            "analysis_table": _COLUMNS.replace("(probabilities * y_test).sum", "probabilities.max"),
            "confusion": _MATRIX.replace("axis=1", "axis=0").replace(
                "(true, said)", "(said, true)"
            ),
            "interval": "interval = analysis.wilson(correct.sum(), len(correct))\n"
            'more_than_chance = "perhaps"\n',
            "sure_wrong": _FIND + "sure_wrong = order[:how_many]\n" + _SHOW,
            "calibration": _WORD.replace("(weights * gaps)", "gaps").replace(
                "correct[prob_pred >= 0.9]", "correct"
            ),
        },
        (1, 0, 0, 0, 0),
        {
            "analysis_table": "prob_true holds the score of the predicted class",
            "confusion": "each column sums to 1. I expected each row. The two names",
            "interval": "that of all classes together. more_than_chance is neither True nor False",
            "sure_wrong": "holds places in the list of wrong pictures",
            "calibration": "the accuracy of all pictures. ece is the plain sum of the gaps",
        },
    ),
    Sample(
        "turned_round_and_not_shown",
        {
            "analysis_table": _COLUMNS.replace(".sum(axis=1)", "").replace("==", "!="),
            "confusion": _MATRIX + "row_shares = counts\n"
            "most_confused = np.unravel_index(beside.argmax(), beside.shape)\n",
            "interval": _INTERVAL.replace("each.min()", "each.max()"),
            "sure_wrong": _FIND,
        },
        (0, 0, 1, 1, 1),
        {
            "analysis_table": "prob_true has 10 columns",
            "confusion": "still holds counts. The numbers of most_confused are right",
            "interval": "The hardest class is",
            "sure_wrong": "None of them is on the screen",
            "calibration": "share of mistakes among the sure answers",
        },
    ),
    Sample(
        "one_number_for_all",
        {
            "analysis_table": _COLUMNS + "best, prob_pred = prob_pred, probabilities.max()\n",
            "confusion": _MATRIX.replace("(true, said)", '("frog", "frog")'),
            "interval": _INTERVAL + "interval = each.min() / 200\n",
            "sure_wrong": "prob_pred = best\n" + _FIND.replace("-prob_pred", "prob_pred") + _SHOW,
            "calibration": _WORD + "ece = gaps.max()\n",
        },
        (1, 1, 1, 0, 1),
        {
            "analysis_table": "one number for all pictures",
            "confusion": "frog taken for frog is no mistake",
            "interval": "not a pair of numbers",
            "sure_wrong": "the model is least sure",
            "calibration": "the largest gap. That is the MCE",
        },
    ),
    Sample(
        "half_done",
        {
            "analysis_table": _COLUMNS + "prob_true = ...\n",
            "confusion": _MATRIX + "most_confused = ...\n",
            "interval": _INTERVAL + "more_than_chance = ...\n",
            "sure_wrong": "sure_wrong = np.argsort(-prob_pred)[:how_many]\n" + _SHOW,
            "calibration": _WORD + "sure_accuracy, ece = ..., weights * gaps\n",
        },
        (1, 1, 1, 0, 0),
        {
            "analysis_table": "prob_pred and correct are right. Still to do: prob_true",
            "confusion": "Still to do: most_confused",
            "interval": "Still to do: more_than_chance",
            "sure_wrong": "predicted right",
            "calibration": "Still to do: sure_accuracy. ece holds one number for each bin",
        },
    ),
    Sample(
        "without_names",
        {
            "analysis_table": _COLUMNS.replace("probabilities.max", "probabilities.argmax"),
            "confusion": _MATRIX + "row_shares = row_shares.T\n",
            "sure_wrong": "prob_pred = probabilities.max(axis=1)\n"
            + _FIND
            + "for number in sure_wrong:\n    plt.imshow(x_test[number])\n    plt.show()\n",
            "calibration": _WORD + "sure_accuracy = sum(correct[prob_pred >= 0.9])\n",
        },
        (1, 1, 2, 1, 1),
        {
            "analysis_table": "prob_pred holds class numbers",
            "confusion": "the rows are what the model said",
            "sure_wrong": "do not say what was predicted",
            "calibration": "sure_accuracy is a count",
        },
    ),
]

STYLES = [
    Sample(
        "tools_of_the_course",
        {
            "analysis_table": "rows = analysis.table(probabilities, true_labels, class_names)\n"
            'prob_pred, prob_true = rows["prob_pred"], rows["prob_true"]\n'
            'correct = rows["correct"]\n',
            "confusion": "said = predicted_labels\n"
            'row_shares = confusion_matrix(true_labels, said, normalize="true")\n'
            "first = analysis.confusions(probabilities, true_labels, class_names, most=1)\n"
            'first = first.sort_values("share").iloc[-1]\n'
            'most_confused = [first["true_name"], first["pred_name"]]\n',
            "interval": "interval = (found.low, found.high)\n"
            "more_than_chance = found.p_value < 0.05\n",
            "sure_wrong": "them = analysis.most_confident(probabilities, true_labels, share=1)\n"
            "sure_wrong = them[:how_many]\n" + _SHOW,
            "calibration": "sure_accuracy = correct[prob_pred >= 0.9].mean()\n"
            "ece = analysis.ece(probabilities, true_labels)\n",
        },
        FULL,
    ),
    Sample(
        "plain_python",
        {
            "analysis_table": """\
prob_pred = [max(row) for row in probabilities]
prob_true = [float(row[label]) for row, label in zip(probabilities, true_labels)]
correct = [bool(a == b) for a, b in zip(predicted_labels, true_labels)]
""",
            "confusion": """\
row_shares = [[100 * count / sum(row) for count in row] for row in counts.tolist()]
pairs = [(row_shares[a][b], a, b) for a in range(10) for b in range(10) if a != b]
most_confused = "{} taken for {}".format(*[class_names[n] for n in max(pairs)[1:]])
""",
            "interval": """\
from scipy.stats import binomtest
ends = binomtest(int(min(counts[n, n] for n in range(10))), 200).proportion_ci()
interval = [round(100 * ends.low, 1), round(100 * ends.high, 1)]
more_than_chance = "yes" if found.p_value < 0.05 else "no"
""",
            "sure_wrong": """\
wrong = [n for n in range(len(correct)) if not correct[n]]
sure_wrong = sorted(wrong, key=lambda n: prob_pred[n], reverse=True)[:how_many]
for n in sure_wrong[:3]:
    plt.imshow(x_test[n])
    plt.title(f"Pred: {class_names[predicted_labels[n]]}, True: {class_names[true_labels[n]]}")
    plt.show()
""",
            "calibration": """\
sure = [n for n in range(len(correct)) if prob_pred[n] >= 0.9]
sure_accuracy = sum(correct[n] for n in sure) / len(sure)
ece = 0
for row in bins.itertuples():
    ece += row.n / 2000 * abs(row.accuracy - row.confidence)
""",
        },
        FULL,
    ),
    Sample(
        "rounded_as_on_the_screen",
        {
            "analysis_table": _COLUMNS.replace(
                "(probabilities * y_test).sum(axis=1)",
                "probabilities[np.arange(len(x_test)), true_labels]",
            ),
            "confusion": _MATRIX + "row_shares = np.round(row_shares, 2)\n"
            'most_confused = {"true": true.upper(), "said": said.title()}\n',
            "interval": _INTERVAL + "interval = np.round(interval, 2)\n"
            "more_than_chance = int(more_than_chance)\n",
            "sure_wrong": _FIND + "sure_wrong = sure_wrong.tolist()\n" + _SHOW,
            "calibration": _WORD + 'sure_accuracy = f"{sure_accuracy:.1%}"\nece = round(ece, 3)\n',
        },
        FULL,
    ),
]

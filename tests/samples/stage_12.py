"""Submissions for the stress test. What a sample does not answer comes from the solution."""

from __future__ import annotations

from autograder.samples import Sample

FULL = (1, 2, 2, 2, 3)

PICK = 'failures = analysis.most_confident(answers["baseline"], true, share=0.05)[:5]\n'
GRID = 'analysis.plots.pictures_grid(x_test, failures, answers["baseline"], true, class_names)\n'
GUESSES = """\
hypotheses = ["It is too dark to see.", "It is too small to see.", "The sky looks like fog.",
              "The legs are cut off.", "The colors are like snow."]
"""
MAPS = """\
wrong_classes = answers["baseline"][failures].argmax(axis=1)
wrong_maps = analysis.grad_cam(network, x_test[failures], wrong_classes).maps
"""
SQUARE = """\
accuracy, sure_wrong = {}, {}
for recipe in answers:
    wrong = answers[recipe].argmax(axis=1) != true
    accuracy[recipe] = (~wrong).mean()
    sure_wrong[recipe] = (wrong & (answers[recipe].max(axis=1) >= 0.9)).sum()
calming = [one for one in ("cutmix", "smoothing") if sure_wrong[one] < sure_wrong["baseline"]]
"""
MEASURE = """\
said = cutmix_network.predict(x_train[:1000], verbose=0).argmax(axis=1)
clean_accuracy = (said == y_train[:1000].argmax(axis=1)).mean()
sure = answers["cutmix"].max(axis=1) >= 0.7
right = answers["cutmix"].argmax(axis=1) == true
answered, right_if_answered = sure.mean(), right[sure].mean()
"""
NO = "not supported"
CLAIMS = f"""\
verdicts = {{1: "supported", 2: "{NO}", 3: "{NO}", 4: "{NO}", 5: "{NO}"}}
verdicts |= {{6: "cannot tell", 7: "cannot tell"}}
"""

MISTAKES = [
    Sample(
        "the_first_wrong_ones",
        {
            "pick_failures": "failures = np.where(answers['baseline'].argmax(axis=1) != true)[0]\n"
            "failures = sorted(failures, key=lambda n: answers['baseline'][n].max())[:5]\n" + GRID,
            "heat_maps": GUESSES.replace("It is too small to see.", "It is too dark to see.")
            + MAPS,
            "four_trainings": SQUARE.replace("wrong & (", "(").replace(
                ">= 0.9).sum", ">= 0.9).sum"
            ),
        },
        (0, 1, 1, 2, 3),
        {
            "pick_failures": "There are surer ones",
            "heat_maps": "Two hypotheses are the same",
            "four_trainings": "counts all sure pictures",
        },
    ),
    Sample(
        "true_class_and_old_numbers",
        {
            "pick_failures": PICK,
            "heat_maps": GUESSES + "wrong_classes = true[failures]\n"
            "wrong_maps = analysis.grad_cam(network, x_test[failures], wrong_classes).maps\n",
            "measure_again": MEASURE + "clean_accuracy = log['accuracy'][-1]\n",
        },
        (0, 1, 2, 1, 3),
        {
            "pick_failures": "On the screen I miss",
            "heat_maps": "holds the true classes",
            "measure_again": "the number in the log",
        },
    ),
    Sample(
        "maps_enlarged_and_all_pictures",
        {
            "heat_maps": 'hypotheses = "It looks like a ship."\n'
            + MAPS
            + "wrong_maps = analysis.enlarge(wrong_maps)\n",
            "four_trainings": SQUARE + 'calming = "both"\n',
            "measure_again": MEASURE + "right_if_answered = right.mean()\n",
        },
        (1, 0, 1, 1, 3),
        {
            "heat_maps": "not a list of texts",
            "four_trainings": "not a single change",
            "measure_again": "over all pictures",
        },
    ),
    Sample(
        "everything_is_wrong_with_it",
        {
            "four_trainings": SQUARE.replace("(~wrong).mean()", "wrong.mean()"),
            "measure_again": MEASURE.replace('answers["cutmix"]', 'answers["baseline"]'),
            "check_claims": f'verdicts = {{n: "{NO}" for n in range(1, 8)}}\n',
        },
        (1, 2, 1, 1, 0),
        {
            "four_trainings": "the share of wrong pictures",
            "measure_again": "belongs to another network",
            "check_claims": "4 of 7 verdicts agree",
        },
    ),
    Sample(
        "believes_the_story",
        {
            "pick_failures": PICK.replace("true, share", "true, right=True, share") + GRID,
            "heat_maps": GUESSES + MAPS,
            "check_claims": CLAIMS + f'verdicts[6], verdicts[7] = "supported", "{NO}"\n',
        },
        (0, 1, 2, 2, 1),
        {"pick_failures": "got picture", "check_claims": "Not claim 6"},
    ),
    Sample(
        "claims_half_done",
        {
            "four_trainings": SQUARE + "sure_wrong = {'baseline': sure_wrong['baseline']}\n",
            "measure_again": MEASURE + "answered = sure.sum()\n",
            "check_claims": 'verdicts = {1: "supported", 2: "no", 3: "no"}\n',
        },
        (1, 2, 1, 1, 0),
        {
            "four_trainings": "no number for cutmix, smoothing and both",
            "measure_again": "answered counts pictures",
            "check_claims": "one of three texts",
        },
    ),
]

STYLES = [
    Sample(
        "by_hand_with_matplotlib",
        {
            "pick_failures": """\
baseline = answers["baseline"]
wrong = np.flatnonzero(baseline.argmax(axis=1) != true)
failures = wrong[np.argsort(-baseline[wrong].max(axis=1))][:5].tolist()
fig, axes = plt.subplots(1, 5, figsize=(10, 2))
for ax, number in zip(axes, failures):
    ax.imshow(x_test[number])
plt.show()
""",
            "heat_maps": """\
hypotheses = {number: f"Picture {number} has a strange color." for number in failures}
hypotheses = {n: text + " Or so I think: " + "abcde"[i] for i, (n, text) in
              enumerate(hypotheses.items())}
wrong_classes = [answers["baseline"][n].argmax() for n in failures]
wrong_maps = analysis.grad_cam(network, x_test[failures], wrong_classes)
""",
            "four_trainings": """\
accuracy, sure_wrong = [], []
for recipe in ("baseline", "cutmix", "smoothing", "both"):
    right = np.argmax(answers[recipe], 1) == np.argmax(y_test, 1)
    accuracy.append(round(100 * right.mean(), 2))
    sure_wrong.append(len([n for n in np.where(~right)[0] if answers[recipe][n].max() >= 0.9]))
calming = {name for name, count in zip(["cutmix", "smoothing"], sure_wrong[1:3])
           if count < sure_wrong[0]}
""",
            "measure_again": """\
clean_accuracy = np.mean(
    np.argmax(cutmix_network.predict(x_train[:1000], verbose=0), 1) == np.argmax(y_train[:1000], 1)
)
rule = analysis.guardrail(answers["cutmix"], true, at=[0.7])
answered = f"{100 * rule['answered'][0]:.1f} %"
right_if_answered = rule["accuracy"].to_numpy()
""",
            "check_claims": f"""\
verdicts = ["Supported", "{NO}", "Not Supported", "unsupported", "{NO}.", "can't tell",
            "Cannot tell!"]
""",
        },
        FULL,
    ),
    Sample(
        "with_more_failures",
        {
            "pick_failures": PICK.replace("[:5]", "[:8]") + GRID,
            "heat_maps": """\
hypotheses = [f"Reason number {word} is the background." for word in "ABCDEFGH"]
hypotheses = [text + " " + class_names[true[n]] + " " + str(n) for text, n in
              zip(hypotheses, failures)]
wrong_classes = network.predict(x_test[failures], verbose=0).argmax(axis=1)
wrong_maps = analysis.grad_cam(network, x_test[failures]).maps
analysis.plots.saliency(x_test[failures[:2]], wrong_maps[:2])
""",
            "four_trainings": """\
accuracy, sure_wrong = {}, {}
for name in ("cutmix", "smoothing", "both"):
    card = analysis.compare(answers["baseline"], answers[name], y_test)
    accuracy |= {"baseline": card["accuracy_before"], name: card["accuracy_after"]}
    sure_wrong["baseline"] = card["wrong_ge_before"]["0.9"]
    sure_wrong[name] = card["wrong_ge_after"]["0.9"]
calming = [name for name in list(sure_wrong)[1:3] if sure_wrong[name] < sure_wrong["baseline"]]
""",
            "measure_again": MEASURE.replace("[:1000]", "[:500]"),
            "check_claims": """\
verdicts = {f"claim {n}": "not supported" for n in range(1, 8)}
verdicts["claim 1"] = "supported"
verdicts["claim 6"] = verdicts["claim 7"] = "cannot tell"
""",
        },
        FULL,
    ),
]

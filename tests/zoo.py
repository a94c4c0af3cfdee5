"""The submission zoo: right solutions in many styles, and wrong ones with what they deserve.

Every sample fits any pictures and any model: none knows which class is the hardest.
"""

from __future__ import annotations

import copy
import re
from pathlib import Path

import nbformat

from autograder.samples import (
    FIND,
    FULL,
    PREDICT,
    SAMPLE_CLASS,
    SHOW,
    Sample,
    right_but,
)

COURSE_PAGE = Path(__file__).parent.parent.parent / "shared" / "seeds"
NAMES = "guess = class_names[predicted_labels[n]]\n    truth = class_names[true_labels[n]]\n    "
CAPTION = 'f"Pred: {guess}, True: {truth}"'


def shows(code: str) -> dict[str, str]:
    return right_but(show_three_wrong=code)


def each(body: str, numbers: str = "wrong_indexes[:3]") -> dict[str, str]:
    """Right answers that show three pictures with this loop body, for a picture ``n``."""
    return shows(f"for n in {numbers}:\n    {NAMES}{body}\n")


def course_page() -> Sample | None:
    """The code printed on the course page, with its lost indentation put back."""
    pages = sorted(COURSE_PAGE.glob("001*.txt"))
    if not pages:
        return None
    lines, loop = [], False
    for line in pages[0].read_text(encoding="utf-8").splitlines():
        loop = loop and bool(line.strip())
        lines.append(("    " if loop else "") + line)
        loop = loop or line.startswith("for ")
    text = "\n".join(lines)

    def part(first: str, last: str) -> str:
        return re.search(rf"^{re.escape(first)}.*?^ *{last}[^\n]*$", text, re.S | re.M).group()

    return Sample(
        "course_page",
        {
            "predict_labels": part("test_predictions =", "print"),
            "find_wrong": part("wrong_indexes =", r"print\(\"First"),
            "show_three_wrong": part("fig, axes =", "plt.show"),
            "per_class_accuracy": part("for class_index", "print"),
            "name_hardest_class": "shares = [(predicted_labels[true_labels == n] == n).mean()\n"
            "          for n in range(10)]\n"
            "hardest_class = class_names[np.argmin(shares)]",
        },
    )


SHOWN_RIGHT = [
    Sample(
        "no_plt_show",
        each("plt.figure()\n    plt.imshow(x_test[n])\n    plt.title(" + CAPTION + ")"),
    ),
    Sample(
        "grid_of_nine",
        shows(
            "fig, axes = plt.subplots(3, 3, figsize=(6, 8))\n"
            "for ax, n in zip(axes.flat, wrong_indexes):\n    "
            + NAMES
            + "ax.imshow(x_test[n])\n    ax.set_title("
            + CAPTION
            + ", fontsize=7)\nfig.tight_layout()\n"
        ),
    ),
    Sample("figure_at_the_end", shows(SHOW + "plt.close(fig)\nfig\n")),
    Sample("display_of_a_figure", shows(SHOW + "plt.close(fig)\ndisplay(fig)\n")),
    Sample(
        "matshow_with_axis_labels",
        each(
            "plt.matshow(x_test[n])\n    plt.xlabel('predicted ' + guess)\n"
            "    plt.ylabel('actual ' + truth)\n    plt.show()"
        ),
    ),
    Sample(
        "svg_setting",
        shows('%config InlineBackend.figure_formats = ["svg"]\n' + SHOW),
    ),
    Sample(
        "retina_setting",
        shows('%config InlineBackend.figure_format = "retina"\n' + SHOW),
    ),
    Sample(
        "floats_0_to_1",
        shows(SHOW.replace("x_test[number]", "x_test[number] / 255.0")),
    ),
    Sample(
        "pil_enlarged_sharp",
        each(
            "from PIL import Image\n"
            "    display(Image.fromarray(x_test[n]).resize((256, 256), Image.NEAREST))\n"
            "    print('It is a', truth, 'but the model says', guess)"
        ),
    ),
    Sample(
        "pil_as_it_is",
        each(
            "from PIL import Image\n    print("
            + CAPTION
            + ")\n    display(Image.fromarray(x_test[n]))"
        ),
    ),
    Sample(
        "keras_style_labels",
        each(
            "plt.figure()\n    plt.imshow(np.repeat(np.repeat(x_test[n], 4, 0), 4, 1))\n"
            "    plt.xlabel(f'{guess} {test_predictions[n].max():.0%} ({truth})', color='red')"
        ),
    ),
    Sample(
        "one_strip_one_title",
        shows(
            "three = wrong_indexes[:3]\nplt.imshow(np.hstack([x_test[n] for n in three]))\n"
            "plt.title('Pred: ' + ', '.join(class_names[predicted_labels[n]] for n in three)\n"
            "          + '\\nTrue: ' + ', '.join(class_names[true_labels[n]] for n in three))\n"
            "plt.show()\n"
        ),
    ),
    Sample(
        "text_on_the_picture",
        shows(
            "fig = plt.figure()\nfig.suptitle('true -> predicted')\n"
            "for place, n in enumerate(wrong_indexes[:3]):\n    "
            + NAMES
            + "ax = fig.add_subplot(1, 3, place + 1)\n    ax.imshow(x_test[n])\n"
            "    ax.text(2, 4, f'{truth} -> {guess}', color='white')\nplt.show()\n"
        ),
    ),
    Sample(
        "table_beside",
        shows(
            "import pandas as pd\nthree = wrong_indexes[:3]\n"
            "fig, axes = plt.subplots(1, 3)\nfor ax, n in zip(axes, three):\n"
            "    ax.imshow(x_test[n])\n    ax.set_title(f'picture {n}')\n"
            "display(pd.DataFrame({'number': three,\n"
            "    'predicted': [class_names[predicted_labels[n]] for n in three],\n"
            "    'true': [class_names[true_labels[n]] for n in three]}))\n"
        ),
    ),
    Sample(
        "picture_files_in_html",
        shows(
            "import base64, io\nfrom IPython.display import HTML\nfrom PIL import Image\n"
            "parts = []\n"
            "for n in wrong_indexes[:3]:\n    "
            + NAMES
            + "file = io.BytesIO()\n    Image.fromarray(x_test[n]).save(file, 'PNG')\n"
            "    data = base64.b64encode(file.getvalue()).decode()\n"
            "    parts.append('<p><img src=\"data:image/png;base64,' + data + '\">')\n"
            "    parts.append(f'guess: {guess}, truth: {truth}</p>')\n"
            "display(HTML(''.join(parts)))\n"
        ),
    ),
    Sample(
        "picture_files",
        each(
            "import io\n    from IPython.display import Image\n    file = io.BytesIO()\n"
            "    plt.imsave(file, x_test[n], format='png')\n    display(Image(file.getvalue()))\n"
            "    print('true:', truth, '| predicted:', guess)"
        ),
    ),
    Sample(
        "plotly_figures",
        each("import plotly.express as px\n    px.imshow(x_test[n], title=" + CAPTION + ").show()"),
    ),
    Sample(
        "plotly_subplots",
        shows(
            "import plotly.graph_objects as go\nfrom plotly.subplots import make_subplots\n"
            "three = wrong_indexes[:3]\nfig = make_subplots(1, 3, subplot_titles=[\n"
            "    f'true={class_names[true_labels[n]]}<br>pred={class_names[predicted_labels[n]]}'\n"
            "    for n in three])\nfor place, n in enumerate(three):\n"
            "    fig.add_trace(go.Image(z=x_test[n]), row=1, col=place + 1)\nfig.show()\n"
        ),
    ),
    Sample(
        "most_confident_mistakes",
        each(
            "sure = test_predictions[n].max()\n    fig, ax = plt.subplots()\n"
            "    ax.imshow(x_test[n], interpolation='bicubic')\n"
            "    ax.set(title=f'{truth} taken for {guess} ({sure:.1%})', xticks=[], yticks=[])\n"
            "    plt.show()",
            "sorted(wrong_indexes, key=lambda n: -test_predictions[n].max())[:4]",
        ),
    ),
    Sample(
        "some_right_ones_too",
        shows(
            "right = np.flatnonzero(predicted_labels == true_labels)[:3]\n"
            "for n in [*wrong_indexes[:3], *right]:\n    "
            + NAMES
            + "plt.figure()\n    plt.imshow(x_test[n])\n    plt.title("
            + CAPTION
            + ")\n"
        ),
    ),
    Sample(
        "looked_around_first",
        right_but(
            find_wrong=FIND + "plt.imshow(np.hstack(list(x_test[:8])))\nplt.show()\n",
        ),
    ),
    Sample(
        "words_beside_the_picture",
        each(
            "fig, (left, right) = plt.subplots(1, 2)\n    left.imshow(x_test[n])\n"
            "    right.bar(class_names, test_predictions[n])\n"
            "    right.set_title(f'The model thinks this {truth} is a {guess}')\n    plt.show()"
        ),
    ),
    Sample(
        "half_in_the_title_half_in_print",
        each(
            "plt.imshow(x_test[n])\n    plt.title('Predicted: ' + guess)\n    plt.show()\n"
            "    print('True label:', truth)"
        ),
    ),
    Sample(
        "lists_above_titles_below",
        shows(
            "three = wrong_indexes[:3]\nfig, axes = plt.subplots(1, 3)\n"
            "guesses = [class_names[predicted_labels[n]] for n in three]\n"
            "fig.suptitle('Predicted: ' + ', '.join(guesses))\n"
            "for ax, n in zip(axes, three):\n    ax.imshow(x_test[n])\n"
            "    ax.set_title('True: ' + class_names[true_labels[n]])\nplt.show()\n"
        ),
    ),
    Sample(
        "three_best_guesses_in_print",
        each(
            "plt.figure()\n    plt.imshow(x_test[n])\n    plt.show()\n    print('True:', truth)\n"
            "    for k in test_predictions[n].argsort()[::-1][:3]:\n"
            "        print('guess:', class_names[k], test_predictions[n][k])"
        ),
    ),
    Sample(
        "legend_and_colored_print",
        each(
            "plt.figure()\n    plt.imshow(x_test[n])\n"
            "    plt.plot([], [], label='Pred: ' + guess)\n"
            "    plt.legend(title='True: ' + truth)\n    plt.show()\n"
            "    print('\\033[91mDone\\033[0m')"
        ),
    ),
    Sample(
        "html_table",
        shows(
            "import pandas as pd\nfrom IPython.display import HTML\n"
            "fig, axes = plt.subplots(1, 3)\nthree = wrong_indexes[:3]\n"
            "for ax, n in zip(axes, three):\n    ax.imshow(x_test[n])\nplt.show()\n"
            "truths = [class_names[true_labels[n]] for n in three]\n"
            "guesses = [class_names[predicted_labels[n]] for n in three]\n"
            "frame = pd.DataFrame({'label': truths, 'prediction': guesses})\n"
            "display(HTML(frame.to_html()))\n"
        ),
    ),
    Sample(
        "pil_in_an_odd_size",
        each(
            "from PIL import Image\n    display(Image.fromarray(x_test[n]).resize((200, 200)))\n"
            "    print('The model says', guess, 'and the truth is', truth)"
        ),
    ),
    Sample(
        "stretched_brightness",
        each(
            "picture = x_test[n].astype('float32')\n    picture = picture - picture.min()\n"
            "    plt.figure()\n    plt.imshow(picture / picture.max())\n    plt.title("
            + CAPTION
            + ")"
        ),
    ),
    Sample(
        "captured_something_before",
        right_but(
            find_wrong=FIND + "get_ipython().run_cell('%%capture out\\nprint(1)')\n",
            show_three_wrong="for n in wrong_indexes[:3]:\n    "
            + NAMES
            + "plt.imshow(x_test[n])\n    plt.show()\n    print("
            + CAPTION
            + ")\n",
        ),
    ),
    Sample(
        "noisy_but_right",
        shows(
            "import warnings\nwarnings.warn('loud')\nimport sys\nprint('x', file=sys.stderr)\n"
            + SHOW
        ),
    ),
]


def counts(code: str, hardest: str = "") -> dict[str, str]:
    shares = "shares = [(predicted_labels[true_labels == n] == n).mean() for n in range(10)]\n"
    hardest = hardest or "hardest_class = class_names[int(np.argmin(shares))]"
    return right_but(per_class_accuracy=shares + code, name_hardest_class=hardest)


VALUES_RIGHT = [
    Sample("values_list", counts("per_class_accuracy = shares")),
    Sample("values_array", counts("per_class_accuracy = np.array(shares, dtype='float32')")),
    Sample("values_percent", counts("per_class_accuracy = [100 * share for share in shares]")),
    Sample("values_by_number", counts("per_class_accuracy = dict(enumerate(shares))")),
    Sample(
        "values_rounded",
        counts("per_class_accuracy = {n: round(s, 2) for n, s in zip(class_names, shares)}"),
    ),
    Sample(
        "values_pairs",
        counts("per_class_accuracy = sorted(zip(class_names, shares), key=lambda p: p[1])"),
    ),
    Sample(
        "values_series",
        counts(
            "import pandas as pd\nper_class_accuracy = pd.Series(shares, index=class_names)",
            "hardest_class = per_class_accuracy.idxmin()",
        ),
    ),
    Sample(
        "values_frame",
        counts(
            "import pandas as pd\n"
            "per_class_accuracy = pd.DataFrame({'class': class_names, 'accuracy': shares})\n"
            "per_class_accuracy = per_class_accuracy.sort_values('accuracy')",
            "hardest_class = per_class_accuracy.iloc[0]['class'].title() + '  '",
        ),
    ),
    Sample(
        "values_group_by",
        counts(
            "import pandas as pd\nframe = pd.DataFrame({'true': true_labels,\n"
            "                      'hit': predicted_labels == true_labels})\n"
            "per_class_accuracy = frame.groupby('true')['hit'].mean() * 100"
        ),
    ),
    Sample(
        "values_report",
        counts(
            "from sklearn.metrics import classification_report\n"
            "print(classification_report(true_labels, predicted_labels, target_names=class_names))"
        ),
    ),
    Sample(
        "values_report_by_number",
        counts(
            "from sklearn.metrics import classification_report\n"
            "print(classification_report(true_labels, predicted_labels))"
        ),
    ),
    Sample(
        "values_matrix",
        counts(
            "from sklearn.metrics import confusion_matrix\n"
            "matrix = confusion_matrix(true_labels, predicted_labels, normalize='true')\n"
            "per_class_accuracy = matrix.diagonal()"
        ),
    ),
    Sample(
        "values_printed_in_words",
        counts(
            "for name, share in zip(class_names, shares):\n"
            "    print(f'{share:.1%} of all {name}s are right')"
        ),
    ),
    Sample(
        "values_printed_on_the_next_line",
        counts(
            "for name, share in zip(class_names, shares):\n"
            "    print(name)\n    print('accuracy:', round(share, 3))"
        ),
    ),
    Sample(
        "values_one_row_frame",
        counts(
            "import pandas as pd\nper_class_accuracy = pd.DataFrame([shares], columns=class_names)",
            "hardest_class = per_class_accuracy.iloc[0].sort_values().head(1)",
        ),
    ),
    Sample(
        "values_stored_report",
        counts(
            "from sklearn.metrics import classification_report\n"
            "per_class_accuracy = classification_report(\n"
            "    true_labels, predicted_labels, target_names=class_names)"
        ),
    ),
    Sample(
        "values_after_names",
        counts("per_class_accuracy = [(s, name) for name, s in zip(class_names, shares)]"),
    ),
    Sample("values_with_numbers", counts("per_class_accuracy = list(enumerate(shares))")),
    Sample(
        "values_printed_by_number",
        counts("for number, share in enumerate(shares):\n    print(number, round(share, 3))"),
    ),
    Sample("values_of_a_dict", counts("per_class_accuracy = dict(enumerate(shares)).values()")),
    Sample("values_printed_dict", counts("print(dict(zip(class_names, shares)))")),
    Sample("values_text", counts("per_class_accuracy = [f'{100 * s:.1f} %' for s in shares]")),
]


# --- Hands and programs that change the notebook around the answers ---------------------------


def _cell(notebook: nbformat.NotebookNode, grade_id: str) -> int:
    return next(
        place
        for place, cell in enumerate(notebook.cells)
        if cell.metadata.get("nbgrader", {}).get("grade_id") == grade_id
    )


def _double(notebook: nbformat.NotebookNode, grade_id: str) -> None:
    place = _cell(notebook, grade_id)
    twin = copy.deepcopy(notebook.cells[place])
    twin.id = "twin"
    notebook.cells.insert(place, twin)


def double_a_check(notebook: nbformat.NotebookNode) -> None:
    _double(notebook, "test_find_wrong")


def double_an_answer(notebook: nbformat.NotebookNode) -> None:
    _double(notebook, "show_three_wrong")


def delete_a_check(notebook: nbformat.NotebookNode) -> None:
    del notebook.cells[_cell(notebook, "test_show_three_wrong")]


def delete_a_step(notebook: nbformat.NotebookNode) -> None:
    del notebook.cells[_cell(notebook, "test_find_wrong")]
    del notebook.cells[_cell(notebook, "find_wrong")]


def pay_yourself(notebook: nbformat.NotebookNode) -> None:
    cell = notebook.cells[_cell(notebook, "test_show_three_wrong")]
    cell.source, cell.metadata.nbgrader.points = "99.0", 99


def widgets_without_state(notebook: nbformat.NotebookNode) -> None:
    notebook.metadata["widgets"] = {"application/vnd.jupyter.widget-state+json": {"a": {}}}


def saved_by_colab(notebook: nbformat.NotebookNode) -> None:
    notebook.nbformat_minor = 0
    notebook.metadata["accelerator"] = "GPU"
    for cell in notebook.cells:
        cell.metadata["id"] = cell.pop("id")


def other_kernel(notebook: nbformat.NotebookNode) -> None:
    notebook.metadata["kernelspec"] = {
        "name": "conda-env-my",
        "display_name": "My",
        "language": "python",
    }


MANGLED = [
    Sample(f"mangled_{mangle.__name__}", right_but(), mangle=mangle)
    for mangle in (
        double_a_check,
        double_an_answer,
        delete_a_check,
        widgets_without_state,
        saved_by_colab,
        other_kernel,
    )
]

RIGHT = [
    *SHOWN_RIGHT,
    *VALUES_RIGHT,
    *MANGLED,
    *(sample for sample in SAMPLE_CLASS if sample.points == FULL),
    *([course_page()] if course_page() else []),
]


# --- Wrong ones ---------------------------------------------------------------------------


def wrong(name: str, grade_id: str, code: str, points: float, says: str) -> Sample:
    """A sample with one wrong step: what comes before it is right, what comes after is blank."""
    steps = list(right_but())
    place = steps.index(grade_id)
    answers = {key: right_but()[key] for key in steps[:place]} | {grade_id: code}
    deserved = (*FULL[:place], points, *[0] * (len(steps) - place - 1))
    return Sample(name, answers, deserved, {grade_id: says})


def shown(name: str, code: str, points: float, says: str) -> Sample:
    return wrong(name, "show_three_wrong", code, points, says)


def valued(name: str, code: str, points: float, says: str) -> Sample:
    shares = (
        "shares = np.array([(predicted_labels[true_labels == n] == n).mean() for n in range(10)])"
    )
    return wrong(name, "per_class_accuracy", f"{shares}\n{code}", points, says)


def named(name: str, code: str, points: float, says: str) -> Sample:
    order = "order = sorted(class_names, key=per_class_accuracy.get)"
    return wrong(name, "name_hardest_class", f"{order}\n{code}", points, says)


TITLED = "plt.figure(); plt.imshow(x_test[n]); plt.title({})\n"
HOSTILE_TO_READ = """\
class Same:
    def __eq__(self, other): return True
    def __getattr__(self, name): raise RuntimeError(name)
    def __hash__(self): return 1
"""

WRONG = [
    *(sample for sample in SAMPLE_CLASS if sample.points != FULL),
    wrong(
        "labels_down_the_columns",
        "predict_labels",
        PREDICT.replace("(test_predictions, axis=1)", "(test_predictions, axis=0)"),
        0,
        "predicted_labels holds 10 numbers",
    ),
    wrong(
        "labels_still_one_hot",
        "predict_labels",
        PREDICT + "true_labels = y_test\n",
        0,
        "y_test is one-hot",
    ),
    wrong(
        "half_of_the_pictures",
        "predict_labels",
        PREDICT.replace("predict(x_test", "predict(x_test[:1000]"),
        0,
        "test_predictions has 1000 rows",
    ),
    wrong("wrong_in_a_tuple", "find_wrong", FIND.replace("flatnonzero", "where"), 0, "add [0]"),
    wrong(
        "wrong_as_true_and_false",
        "find_wrong",
        "wrong_indexes = predicted_labels != true_labels",
        0,
        "True and False",
    ),
    wrong("wrong_turned_around", "find_wrong", FIND.replace("!=", "=="), 0, "got right"),
    wrong(
        "wrong_cut_short", "find_wrong", FIND + "wrong_indexes = wrong_indexes[:9]", 0, "missing"
    ),
    wrong("wrong_counted", "find_wrong", "wrong_indexes = 1907", 0, "missing"),
    wrong("wrong_as_text", "find_wrong", "wrong_indexes = 'many'", 0, "not a list of numbers"),
    shown(
        "painted_over",
        "for n in wrong_indexes[:3]:\n    "
        + NAMES
        + "plt.imshow(x_test[n])\n    print("
        + CAPTION
        + ")\n",
        1,
        "Others lie behind it",
    ),
    shown("only_two", SHOW.replace("[:3]", "[:2]"), 1, "You showed 2 wrong predictions"),
    shown(
        "same_one_thrice", SHOW.replace("wrong_indexes[:3]", "[wrong_indexes[0]] * 3"), 1, "repeat"
    ),
    shown(
        "mostly_right_ones",
        "for n in range(12): " + TITLED.format("'Pred: cat, True: cat'"),
        0,
        "that the model got right",
    ),
    shown(
        "pictures_of_its_own",
        "fig, axes = plt.subplots(1, 3)\nfor ax in axes:\n"
        "    ax.imshow(np.random.default_rng(1).random((32, 32, 3)))\n",
        0,
        "none is a whole test picture",
    ),
    shown(
        "all_white",
        "for n in wrong_indexes[:3]: "
        + TITLED.format("n").replace("x_test[n]", "x_test[n].astype('float32')"),
        0,
        "all white or all black",
    ),
    shown(
        "captured",
        "from IPython.utils.capture import capture_output\nwith capture_output():\n"
        "    for n in wrong_indexes[:3]:\n        plt.imshow(x_test[n])\n        plt.show()\n",
        0,
        "no test picture has reached the screen",
    ),
    shown(
        "figure_only_named",
        SHOW + "plt.close(fig)\n[fig]\n",
        0,
        "no test picture has reached the screen",
    ),
    shown(
        "without_words",
        "for n in wrong_indexes[:3]: " + TITLED.format("''"),
        2,
        "does not say what was predicted and what is true",
    ),
    shown(
        "only_predicted",
        "for n in wrong_indexes[:3]: "
        + TITLED.format("'Pred: ' + class_names[predicted_labels[n]]"),
        2,
        "only one of its two names",
    ),
    shown(
        "which_is_which",
        "for n in wrong_indexes[:3]: "
        + TITLED.format("f'{class_names[predicted_labels[n]]} / {class_names[true_labels[n]]}'"),
        2,
        "does not say which name was predicted",
    ),
    shown(
        "numbers_for_names",
        "for n in wrong_indexes[:3]: "
        + TITLED.format("f'Pred: {predicted_labels[n]} True: {true_labels[n]}'"),
        2,
        "class numbers, not names",
    ),
    shown(
        "words_of_another",
        "a, b, c, d = [next(n for n in wrong_indexes if true_labels[n] == t) for t in range(4)]\n"
        "for n, m in ((a, b), (b, c), (c, d)): "
        + TITLED.format(
            "f'Pred: {class_names[true_labels[m]]} True: {class_names[(true_labels[n] + 5) % 10]}'"
        ),
        2,
        "belong to another picture",
    ),
    valued(
        "the_same_for_all",
        "per_class_accuracy = [(predicted_labels == true_labels).mean()] * 10",
        0,
        "accuracy over all pictures",
    ),
    valued("shares_of_mistakes", "per_class_accuracy = 1 - shares", 0, "share of mistakes"),
    valued(
        "counts_of_right",
        "per_class_accuracy = np.bincount(true_labels[predicted_labels == true_labels])",
        0,
        "count the right predictions",
    ),
    valued("sorted_away", "per_class_accuracy = sorted(shares)", 0, "not each at its own class"),
    valued(
        "half_of_the_values",
        "per_class_accuracy = dict(zip(class_names, [*shares[:5], 2, 2, 2, 2, 2]))",
        1,
        "5 values are right",
    ),
    valued(
        "six_of_the_values",
        "per_class_accuracy = dict(list(zip(class_names, shares))[:6])",
        1,
        "No value yet for frog",
    ),
    valued(
        "four_of_the_values",
        "per_class_accuracy = dict(list(zip(class_names, shares))[:4])",
        0,
        "4 values are right",
    ),
    valued("one_number", "per_class_accuracy = shares.mean()", 0, "that I cannot read"),
    valued(
        "an_odd_object", HOSTILE_TO_READ + "per_class_accuracy = Same()", 0, "that I cannot read"
    ),
    valued(
        "nothing_but_confidences",
        "for n in range(300):\n"
        "    print(n, class_names[predicted_labels[n]], round(test_predictions[n].max(), 3))",
        0,
        "Still to do",
    ),
    named("the_easiest", "hardest_class = order[-1]", 0, "has the highest accuracy"),
    named("the_second_hardest", "hardest_class = order[1]", 0, "is not the hardest"),
    named("its_number", "hardest_class = class_names.index(order[0])", 1, "class number is right"),
    named("another_number", "hardest_class = class_names.index(order[1])", 0, "is the number"),
    named("two_names", "hardest_class = order[0] + ' or ' + order[1]", 0, "You named"),
    named("misspelled", "hardest_class = 'autmobile'", 0, "Did you mean 'automobile'?"),
    named("not_a_class", "hardest_class = 'unicorn'", 0, "not one of the class names"),
    Sample(
        "crashed_in_between",
        right_but(find_wrong="1 / 0", show_three_wrong=FIND + SHOW),
        (1, 0, 3, 3, 2),
        {"find_wrong": "Still to do"},
    ),
    Sample(
        "crashed_and_stayed_broken",
        right_but(predict_labels="raise SystemExit"),
        (0, 0, 0, 0, 0),
        {"name_hardest_class": "Still to do"},
    ),
    Sample(
        "mangled_delete_a_step",
        right_but(show_three_wrong=FIND + SHOW),
        (1, 0, 3, 3, 2),
        mangle=delete_a_step,
    ),
    Sample(
        "mangled_pay_yourself", right_but(show_three_wrong=""), (1, 1, 0, 3, 2), mangle=pay_yourself
    ),
]

"""What students hand in for Stage 10, with the points it deserves.

Each sample gives only what differs from the solution.
"""

from autograder.samples import Sample

FULL = (2, 3, 2, 3)

_TABLE = """\
evidence = {
    "accuracy": accuracy,
    "top-3 accuracy": top3_accuracy,
    "hardest class": hardest_class,
    "hardest accuracy": hardest_accuracy,
}
"""
_FACTS = """\
hits = predicted_labels == true_labels
accuracy = hits.mean()
ranked = predictions.argsort(axis=1)
top3_accuracy = (ranked[:, -3:] == true_labels[:, None]).any(axis=1).mean()
shares = [hits[true_labels == number].mean() for number in range(10)]
hardest_class = class_names[np.argmin(shares)]
hardest_accuracy = min(shares)
"""
_NUMBERS = """\
right_number = np.flatnonzero(predicted_labels == true_labels)[4]
wrong_number = np.flatnonzero(predicted_labels != true_labels)[4]
"""
_SHOW = """\
for number in [right_number, wrong_number]:
    plt.imshow(x_test[number])
    guess, truth = class_names[predicted_labels[number]], class_names[true_labels[number]]
    plt.title(f"Pred: {guess}, True: {truth}, {predictions[number].max():.0%}")
    plt.show()
"""
_CARD = """\
card = cu.demo_card("Ada", evidence, right_number, wrong_number, limitation)
"""

MISTAKES = [
    Sample(
        "smallest_scores",
        {"evidence_table": _FACTS.replace("-3:]", ":3]") + _TABLE},
        (1, 3, 2, 3),
        {"evidence_table": "three smallest scores"},
    ),
    Sample(
        "mean_confidence_and_a_number",
        {
            "evidence_table": _FACTS.replace("hits.mean()", "predictions.max(axis=1).mean()")
            + "hardest_class = int(np.argmin(shares))\n"
            + _TABLE
        },
        (1, 3, 2, 3),
        {"evidence_table": "mean confidence"},
    ),
    Sample(
        "half_a_table",
        {
            "evidence_table": "accuracy = np.mean(predicted_labels == true_labels)\n"
            "top3_accuracy = hardest_class = hardest_accuracy = ...\n" + _TABLE
        },
        (0, 3, 2, 2),
        {"evidence_table": "Still to do: top-3 accuracy", "demo_card": "no top-3 accuracy yet"},
    ),
    Sample(
        "two_right_ones",
        {"show_two": _NUMBERS.replace("!=", "==") + _SHOW},
        (2, 1, 2, 2),
        {"show_two": "is not a wrong prediction", "demo_card": "no wrong prediction yet"},
    ),
    Sample(
        "not_said_how_sure",
        {"show_two": _NUMBERS + _SHOW.replace(", {predictions[number].max():.0%}", "")},
        (2, 2, 2, 3),
        {"show_two": "how sure the model is"},
    ),
    Sample(
        "never_shown",
        {"show_two": _NUMBERS},
        (2, 2, 2, 3),
        {"show_two": "does not say what was predicted"},
    ),
    Sample(
        "too_general_a_limit",
        {"limitation": 'limitation = "It can sometimes make mistakes, like everybody does."\n'},
        (2, 3, 1, 3),
        {"limitation": "fits every model"},
    ),
    Sample(
        "three_words",
        {"limitation": 'limitation = "cats are hard"\n'},
        (2, 3, 0, 3),
        {"limitation": "six words"},
    ),
    Sample(
        "parts_forgotten",
        {"demo_card": 'card = cu.demo_card(name="Ada", right=right_number)\n'},
        (2, 3, 2, 0),
        {"demo_card": "is not on the card"},
    ),
    Sample(
        "boasting_by_hand",
        {
            "demo_card": _CARD
            + "import re\n"
            + 'card = re.sub(r"\\d\\d\\.\\d%</td>", "99.9%</td>", card, count=1)\n'
            + "card = card.replace('</main>', '<img alt=\"me\" src=\"https://example.org/me.png\">')\n"
        },
        (2, 3, 2, 1),
        {"demo_card": "needs something from outside"},
    ),
    Sample(
        "name_of_the_file",
        {"demo_card": _CARD + 'card = "demo_card.html"\n'},
        (2, 3, 2, 0),
        {"demo_card": "expected the HTML of a page"},
    ),
]

STYLES = [
    Sample(
        "data_frame_in_percent",
        {
            "evidence_table": "import pandas as pd\n"
            + _FACTS
            + """\
evidence = pd.DataFrame({
    "what": ["Test accuracy", "Top 3", "Hardest class", "Accuracy of the hardest class"],
    "value": [f"{accuracy:.1%}", f"{top3_accuracy:.1%}", hardest_class, f"{min(shares):.1%}"],
})
evidence
"""
        },
        FULL,
    ),
    Sample(
        "short_keys_and_printed_words",
        {
            "evidence_table": _FACTS
            + "evidence = dict(accuracy=accuracy, top3=top3_accuracy,\n"
            + "    hardest_class=hardest_class.upper(), hardest_accuracy=min(shares))\n",
            "show_two": _NUMBERS
            + """\
from PIL import Image
for number in (right_number, wrong_number):
    display(Image.fromarray(x_test[number]).resize((160, 160)))
    print("true:", class_names[true_labels[number]])
    print("predicted:", class_names[predicted_labels[number]])
    print("confidence:", predictions[number].max())
""",
            "demo_card": _CARD,
        },
        FULL,
    ),
    Sample(
        "one_name_for_the_right_one",
        {
            "show_two": _NUMBERS
            + """\
fig, axes = plt.subplots(1, 2)
name = class_names[true_labels[right_number]]
axes[0].imshow(x_test[right_number])
axes[0].set_title(f"Right: {name} ({100 * predictions[right_number].max():.0f} %)")
said = class_names[predicted_labels[wrong_number]]
axes[1].imshow(x_test[wrong_number])
axes[1].set_title(f"Wrong: it said {said}, {100 * predictions[wrong_number].max():.0f} %")
axes[1].set_xlabel("but it is: " + class_names[true_labels[wrong_number]])
plt.show()
""",
            "limitation": 'limitation = "A photo of a banana gets one of the 10 names."\n',
        },
        FULL,
    ),
    Sample(
        "own_title",
        {
            "demo_card": """\
card = cu.demo_card(
    name="Ben <3", title="Cats & co.", does="It names tiny pictures.", evidence=evidence,
    right=int(right_number), wrong=[wrong_number], limitation=limitation, path="ben.html",
)
"""
        },
        FULL,
    ),
    Sample(
        "own_page",
        {
            "demo_card": """\
import base64, io
from PIL import Image
def img(number):
    file = io.BytesIO()
    Image.fromarray(x_test[number]).resize((96, 96), 0).save(file, "PNG")
    code = base64.b64encode(file.getvalue()).decode()
    said, true = class_names[predicted_labels[number]], class_names[true_labels[number]]
    return f'<img alt="a {true}" src="data:image/png;base64,{code}"><p>It says {said}: a {true}'
rows = "".join(f"<tr><th>{key}<td>{value}" for key, value in evidence.items())
card = f"<h1>My model</h1><table>{rows}</table>{img(right_number)}{img(wrong_number)}"
card += f"<p>{limitation}</p>"
"""
        },
        FULL,
    ),
]

"""Submissions for Stage 2. What a sample does not answer comes from the solution."""

from __future__ import annotations

from autograder.samples import Sample

FULL = (2, 2, 2, 2, 2)

KEEP = """\
my_guess = "dog"
guess_reason = "Dogs come in all sizes and colors."
cu.save(guess=my_guess, guess_reason=guess_reason)
"""

MISTAKES = [
    Sample(
        "counted_a_part",
        {"count_classes": "class_counts = [(y_train[:1000] == n).sum() for n in range(10)]\n"},
        (0, 0, 2, 2, 2),
        {
            "count_classes": "Your counts add up to 1000",
            "chart_counts": "they are not the counts of the classes",
        },
    ),
    Sample(
        "shares",
        {"count_classes": "class_counts = [(y_train == n).mean() for n in range(10)]\n"},
        (0, 0, 2, 2, 2),
        {"count_classes": "These are shares"},
    ),
    Sample(
        "class_numbers",
        {"count_classes": "class_counts = np.unique(y_train)\n"},
        (0, 0, 2, 2, 2),
        {"count_classes": "These are the class numbers"},
    ),
    Sample(
        "one_count",
        {
            "count_classes": "class_counts = (y_train == 3).sum()\n",
            "chart_counts": "plt.bar(['cat'], [class_counts])\nplt.show()\n",
        },
        (0, 0, 2, 2, 2),
        {"count_classes": "is one number", "chart_counts": "1 value"},
    ),
    Sample(
        "nine_classes",
        {
            "count_classes": "class_counts = {class_names[n]: (y_train == n).sum() "
            "for n in range(9)}\n",
            "chart_counts": "plt.bar(class_counts.keys(), class_counts.values())\nplt.show()\n",
        },
        (1, 0, 2, 2, 2),
        {"count_classes": "No count yet for truck", "chart_counts": "9 values"},
    ),
    Sample(
        "chart_without_names",
        {"chart_counts": "plt.bar(range(10), class_counts)\nplt.show()\n"},
        (2, 1, 2, 2, 2),
        {"chart_counts": "I cannot read all ten class names"},
    ),
    Sample(
        "chart_never_shown",
        {"chart_counts": "plt.bar(class_names, class_counts)\nplt.close()\n"},
        (2, 0, 2, 2, 2),
        {"chart_counts": "no chart has reached the screen"},
    ),
    Sample(
        "mean_without_axis",
        {"average_picture": "average_picture = x_train[y_train == 8].mean()\n"},
        (2, 2, 0, 2, 2),
        {"average_picture": "is a single number"},
    ),
    Sample(
        "mean_of_all",
        {
            "average_picture": """\
average_picture = x_train.mean(axis=0)
plt.imshow(average_picture / 255)
plt.show()
"""
        },
        (2, 2, 0, 2, 2),
        {"average_picture": "the average of all pictures"},
    ),
    Sample(
        "one_photo_in_place_of_the_mean",
        {
            "average_picture": """\
average_picture = x_train[y_train == 8][0]
plt.imshow(average_picture)
plt.show()
"""
        },
        (2, 2, 0, 2, 2),
        {"average_picture": "This looks like one picture"},
    ),
    Sample(
        "sum_in_place_of_the_mean",
        {"average_picture": "average_picture = x_train[y_train == 8].sum(axis=0)\n"},
        (2, 2, 0, 2, 2),
        {"average_picture": "That is a sum"},
    ),
    Sample(
        "shown_white",
        {
            "average_picture": """\
average_picture = x_train[y_train == 8].mean(axis=0)
plt.imshow(average_picture)
plt.show()
"""
        },
        (2, 2, 1, 2, 2),
        {"average_picture": "came out white"},
    ),
    Sample(
        "pair_without_photos",
        {"look_alike_pair": "look_alikes = 'deer and horse'\n"},
        (2, 2, 2, 1, 2),
        {"look_alike_pair": "I saw no photo of deer and horse"},
    ),
    Sample(
        "only_one_class",
        {"look_alike_pair": "look_alikes = ['cat', 'cat']\n"},
        (2, 2, 2, 0, 2),
        {"look_alike_pair": "I expected two different classes"},
    ),
    Sample(
        "guess_not_kept",
        {"keep_guess": KEEP.replace("cu.save", "# cu.save")},
        (2, 2, 2, 2, 1),
        {"keep_guess": "it is not kept yet"},
    ),
    Sample(
        "guess_of_another_word",
        {"keep_guess": KEEP.replace('"dog"', '"car"')},
        (2, 2, 2, 2, 0),
        {"keep_guess": "Did you mean 'automobile'?"},
    ),
    Sample(
        "guess_without_a_reason",
        {"keep_guess": KEEP.replace('"Dogs come in all sizes and colors."', '""')},
        (2, 2, 2, 2, 1),
        {"keep_guess": "Still to do: guess_reason"},
    ),
    Sample(
        "guess_changed_after_it_was_kept",
        {"keep_guess": KEEP + 'my_guess = "frog"\n'},
        (2, 2, 2, 2, 1),
        {"keep_guess": "dog is kept"},
    ),
]

STYLES = [
    Sample(
        "numpy_short_ways",
        {
            "count_classes": "class_counts = np.bincount(y_train)\n",
            "chart_counts": "plt.barh(class_names, class_counts)\n",
            "average_picture": """\
average_picture = np.mean(x_train[y_train == 6] / 255, axis=0)
plt.imshow(average_picture)
""",
            "look_alike_pair": """\
look_alikes = ("Automobile", "Truck")
plt.imshow(np.hstack([x_train[y_train == 1][0], x_train[y_train == 9][0]]))
""",
        },
        FULL,
    ),
    Sample(
        "unique_and_a_line",
        {
            "count_classes": "class_counts = np.unique(y_train, return_counts=True)\n",
            "chart_counts": """\
plt.plot(class_counts[1], "o-")
plt.xticks(range(10), class_names, rotation=90)
plt.ylim(0, 7000)
plt.show()
""",
            "average_picture": """\
from PIL import Image
average_picture = x_train[y_train == 3].mean(axis=0).astype("uint8")
display(Image.fromarray(average_picture).resize((160, 160)))
""",
            "keep_guess": KEEP.replace('"dog"', '"DOGS"'),
        },
        FULL,
    ),
    Sample(
        "dictionaries_of_everything",
        {
            "count_classes": """\
class_counts = {}
for label in y_train:
    name = class_names[label]
    class_counts[name] = class_counts.get(name, 0) + 1
""",
            "chart_counts": "plt.bar(list(class_counts), list(class_counts.values()))\n",
            "average_picture": """\
average_picture = {name: x_train[y_train == n].mean(axis=0) for n, name in enumerate(class_names)}
for name in class_names[:3]:
    plt.imshow(average_picture[name].astype(int))
    plt.show()
""",
            "look_alike_pair": """\
look_alikes = {"deer": 4, "horse": 7}
for number in look_alikes.values():
    plt.imshow(x_train[y_train == number][0])
    plt.show()
""",
        },
        FULL,
    ),
    Sample(
        "printed_counts_and_a_histogram",
        {
            "count_classes": """\
for n in range(10):
    print(class_names[n], (y_train == n).sum())
""",
            "chart_counts": """\
plt.hist(y_train, bins=range(11), align="left", rwidth=0.8)
plt.xticks(range(10), class_names)
plt.show()
""",
            "average_picture": """\
average_picture = [x_train[y_train == n].mean(axis=0) for n in range(10)]
plt.imshow(average_picture[0] / 255)
plt.show()
""",
        },
        FULL,
    ),
]

"""Submissions for Stage 1. What a sample does not answer comes from the solution."""

from __future__ import annotations

from autograder.samples import Sample

FULL = (2, 2, 1, 3, 2)

SHEET = """\
plt.figure(figsize=(10, 5))
for place in range(10):
    plt.subplot(2, 5, place + 1)
    plt.imshow(x_train[place])
    plt.title(class_names[y_train[place]])
    plt.axis("off")
plt.show()
"""

MISTAKES = [
    Sample(
        "comma_in_a_number",
        {
            "look_at_shape": """\
number_of_pictures = 6,000
height, width, channels = 32, 32, 3
"""
        },
        (1, 2, 1, 3, 2),
        {"look_at_shape": "a comma stands between two things"},
    ),
    Sample(
        "shape_in_another_order",
        {
            "look_at_shape": """\
height, width, channels, number_of_pictures = x_train.shape
"""
        },
        (0, 2, 1, 3, 2),
        {"look_at_shape": "stand in this order"},
    ),
    Sample(
        "range_of_one_pixel",
        {
            "look_at_pixels": """\
pixel_type = x_train.dtype
smallest = x_train[0, 0, 0].min()
largest = x_train[0, 0, 0].max()
"""
        },
        (2, 0, 1, 3, 2),
        {"look_at_pixels": "It is not the smallest of all numbers"},
    ),
    Sample(
        "forgotten_brackets",
        {
            "look_at_pixels": """\
pixel_type, smallest, largest = x_train.dtype, x_train.min(), x_train.max
"""
        },
        (2, 1, 1, 3, 2),
        {"look_at_pixels": "Did you forget the brackets"},
    ),
    Sample(
        "one_too_many",
        {"look_at_pixels": "pixel_type, smallest, largest = 'uint8', 0, 256\n"},
        (2, 1, 1, 3, 2),
        {"look_at_pixels": "how many different numbers there are"},
    ),
    Sample(
        "drawn_but_never_shown",
        {"show_one_photo": "plt.imshow(x_train[7])\nplt.close()\n"},
        (2, 2, 0, 3, 2),
        {"show_one_photo": "no whole photo from x_train has reached the screen"},
    ),
    Sample(
        "all_white",
        {"show_one_photo": "plt.imshow(x_train[7] * 1.0 + 255)\nplt.show()\n"},
        (2, 2, 0, 3, 2),
        {"show_one_photo": "all white"},
    ),
    Sample(
        "photo_number_as_class_number",
        {"contact_sheet": SHEET.replace("class_names[y_train[place]]", "class_names[place]")},
        (2, 2, 1, 2, 2),
        {"contact_sheet": "the photo's number as the class number"},
    ),
    Sample(
        "labels_of_the_neighbors",
        {"contact_sheet": SHEET.replace("y_train[place]", "y_train[place + 1]")},
        (2, 2, 1, 2, 2),
        {"contact_sheet": "some names are wrong"},
    ),
    Sample(
        "class_numbers_in_place_of_names",
        {"contact_sheet": SHEET.replace("class_names[y_train[place]]", "y_train[place]")},
        (2, 2, 1, 2, 2),
        {"contact_sheet": "I expected class names"},
    ),
    Sample(
        "no_labels",
        {"contact_sheet": SHEET.replace("    plt.title(class_names[y_train[place]])\n", "")},
        (2, 2, 1, 2, 2),
        {"contact_sheet": "I found no class name"},
    ),
    Sample(
        "one_photo_ten_times",
        {
            "contact_sheet": SHEET.replace("x_train[place]", "x_train[3]").replace(
                "y_train[place]", "y_train[3]"
            )
        },
        (2, 2, 1, 0, 2),
        {"contact_sheet": "I expected 10 photos"},
    ),
    Sample(
        "only_cats",
        {
            "contact_sheet": "cats = np.where(y_train == 3)[0]\n"
            + SHEET.replace("x_train[place]", "x_train[cats[place]]").replace(
                "y_train[place]", "y_train[cats[place]]"
            )
        },
        (2, 2, 1, 2, 2),
        {"contact_sheet": "at least 5 classes"},
    ),
    Sample(
        "eight_photos",
        {"contact_sheet": SHEET.replace("range(10)", "range(8)")},
        (2, 2, 1, 2, 2),
        {"contact_sheet": "at least 10 different photos"},
    ),
    Sample(
        "all_in_one_place",
        {
            "contact_sheet": """\
for number in range(10):
    plt.imshow(x_train[number])
    plt.title(class_names[y_train[number]])
plt.show()
"""
        },
        (2, 2, 1, 0, 2),
        {"contact_sheet": "lie behind another one"},
    ),
    Sample(
        "the_photo_in_place_of_its_number",
        {"name_hard_photo": "hard_photo = x_train[48]\nplt.imshow(hard_photo)\nplt.show()\n"},
        (2, 2, 1, 3, 0),
        {"name_hard_photo": "hard_photo is a photo. I expected its number"},
    ),
    Sample(
        "named_and_not_shown",
        {"name_hard_photo": "hard_photo = 60\n"},
        (2, 2, 1, 3, 1),
        {"name_hard_photo": "has not reached the screen"},
    ),
]

STYLES = [
    Sample(
        "typed_numbers_and_single_figures",
        {
            "look_at_shape": """\
number_of_pictures = len(x_train)
height = 32
width = "32"
channels = x_train[0].shape[2]
""",
            "look_at_pixels": """\
pixel_type = "uint8"
smallest = np.min(x_train)
largest = 255.0
""",
            "contact_sheet": """\
for number in range(12):
    plt.figure(figsize=(2, 2))
    plt.imshow(x_train[number])
    plt.show()
    print("This is a", class_names[y_train[number]])
""",
        },
        FULL,
    ),
    Sample(
        "one_strip_with_a_list_of_names",
        {
            "look_at_pixels": """\
pixel_type = str(x_train.dtype)
smallest, largest = int(x_train.min()), int(x_train.max())
""",
            "show_one_photo": """\
from PIL import Image
display(Image.fromarray(x_train[20]).resize((128, 128)))
""",
            "contact_sheet": """\
plt.figure(figsize=(14, 2))
plt.imshow(np.hstack(x_train[20:32]))
plt.title(", ".join(class_names[number] for number in y_train[20:32]))
plt.show()
""",
            "name_hard_photo": "hard_photo = '48'\nplt.imshow(x_train[int(hard_photo)])\n",
        },
        FULL,
    ),
    Sample(
        "plt_subplot_and_questions",
        {
            "contact_sheet": SHEET.replace("class_names[y", "f'{place}. ' + class_names[y"),
            "name_hard_photo": """\
hard_photo = -3
plt.imshow(x_train[hard_photo] / 255)
plt.title("Is it a cat? Or a dog? Or a frog?")
plt.show()
""",
        },
        FULL,
    ),
    Sample(
        "numbered_lines_above_the_sheet",
        {
            "contact_sheet": """\
fig, axes = plt.subplots(3, 4)
for number, ax in enumerate(axes.flat):
    print("Photo", number, "is a", class_names[y_train[number]].upper())
    ax.imshow(x_train[number])
    ax.set_xticks([])
    ax.set_yticks([])
"""
        },
        FULL,
    ),
]

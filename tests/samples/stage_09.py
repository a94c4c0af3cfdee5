"""Submissions for Stage 9. Each overrides some answers; the rest come from the solution."""

from __future__ import annotations

from autograder.samples import Sample

TRY_THREE = """\
photos = []
for name in ["portrait", "landscape", "teapot"]:
    picture = prepare(cu.get_photo(name))
    pairs = top_three(model.predict(picture[None], verbose=0)[0])
    show_guesses(name, picture, pairs)
    photos.append({"name": name, "top3": pairs, "answer": decide(pairs)})
in_no_class = "teapot"
"""

MISTAKES = [
    Sample(
        "stretched",
        {
            "shrink_photo": """\
def shrink(photo):
    small = np.array(photo.resize((32, 32)))
    return small
"""
        },
        (1, 2, 2, 1, 2),
        {"shrink_photo": "squeezed", "prepare_any": "squeezed"},
    ),
    Sample(
        "left_corner",
        {
            "shrink_photo": """\
def shrink(photo):
    edge = min(photo.size)
    return np.array(photo.crop((0, 0, edge, edge)).resize((32, 32)))
"""
        },
        (1, 2, 2, 1, 2),
        {"shrink_photo": "left or top edge", "prepare_any": "left or top edge"},
    ),
    Sample(
        "divided_by_255",
        {
            "prepare_any": """\
def prepare(photo):
    upright = ImageOps.exif_transpose(photo).convert("RGBA")
    paper = Image.new("RGBA", upright.size, "white")
    return shrink(Image.alpha_composite(paper, upright).convert("RGB")) / 255
"""
        },
        (2, 2, 2, 1, 2),
        {"prepare_any": "from 0 to 1"},
    ),
    Sample(
        "convert_alone",
        {"prepare_any": 'def prepare(photo):\n    return shrink(photo.convert("RGB"))\n'},
        (2, 1, 2, 1, 2),
        {"prepare_any": "lies upside down"},
    ),
    Sample(
        "turned_alone",
        {"prepare_any": "def prepare(photo):\n    return shrink(ImageOps.exif_transpose(photo))\n"},
        (2, 1, 2, 1, 2),
        {"prepare_any": "gray photo"},
    ),
    Sample(
        "smallest_first",
        {
            "top_three": """\
def top_three(ten_scores):
    best = np.argsort(ten_scores)[-3:]
    return [(class_names[place], ten_scores[place]) for place in best]

scores = model.predict(prepare(portrait)[None], verbose=0)[0]
"""
        },
        (2, 3, 1, 1, 1),
        {"top_three": "best one first", "three_photos": "begin with the best"},
    ),
    Sample(
        "percent",
        {
            "say_dont_know": """\
threshold = 60
def decide(pairs):
    if pairs[0][1] * 100 >= threshold:
        return pairs[0][0]
    return "I don't know"
"""
        },
        (2, 3, 2, 0, 2),
        {"say_dont_know": "60 % as 0.6"},
    ),
    Sample(
        "always_a_name",
        {
            "say_dont_know": "threshold = 0.2\n"
            "def decide(pairs):\n    answer = pairs[0][0]\n    return answer\n"
        },
        (2, 3, 2, 0, 2),
        {"say_dont_know": "always says a name"},
    ),
    Sample(
        "list_in_the_loop",
        {
            "three_photos": """\
for name in ["portrait", "landscape", "teapot"]:
    photos = []
    picture = prepare(cu.get_photo(name))
    pairs = top_three(model.predict(picture[None], verbose=0)[0])
    show_guesses(name, picture, pairs)
    photos.append({"name": name, "top3": pairs, "answer": decide(pairs)})
in_no_class = "teapot"
"""
        },
        (2, 3, 2, 1, 1),
        {"three_photos": "1 photo. I expected 3"},
    ),
    Sample(
        "nothing_drawn",
        {"three_photos": TRY_THREE.replace("    show_guesses(name, picture, pairs)\n", "")},
        (2, 3, 2, 1, 1),
        {"three_photos": "Call show_guesses"},
    ),
    Sample(
        "cat_in_no_class",
        {"three_photos": TRY_THREE.replace('class = "teapot"', 'class = "portrait"')},
        (2, 3, 2, 1, 1),
        {"three_photos": "a cat"},
    ),
    Sample(
        "forgot_the_array",
        {
            "shrink_photo": """\
def shrink(photo):
    edge = min(photo.size)
    left, top = (photo.width - edge) // 2, (photo.height - edge) // 2
    return photo.crop((left, top, left + edge, top + edge)).resize((32, 32))
"""
        },
        (0, 0, 1, 1, 0),
        {"shrink_photo": "np.array", "top_three": "Still to do: scores"},
    ),
]

STYLES = [
    Sample(
        "tools_of_pil",
        {
            "shrink_photo": """\
def shrink(photo):
    return np.asarray(ImageOps.fit(photo, (32, 32), Image.Resampling.LANCZOS))
""",
            "prepare_any": """\
def prepare(photo):
    photo = ImageOps.exif_transpose(photo)
    clear = photo.convert("RGBA")
    paper = Image.new("RGB", photo.size, (255, 255, 255))
    paper.paste(clear, mask=clear.getchannel("A"))
    return shrink(paper)
""",
            "top_three": """\
def top_three(ten_scores):
    return sorted(zip(class_names, ten_scores), key=lambda pair: pair[1], reverse=True)[:3]

scores = model.predict(np.array([prepare(portrait)]), verbose=0)[0]
""",
            "say_dont_know": """\
threshold = 0.75
def decide(pairs):
    return pairs[0][0].upper() if pairs[0][1] > threshold else "not sure"
""",
        },
        (2, 3, 2, 1, 2),
    ),
    Sample(
        "own_bars",
        {
            "three_photos": """\
photos = []
names = "sticker", "portrait", "robot"
fig, axes = plt.subplots(3, 2, figsize=(8, 8))
for row, name in zip(axes, names):
    picture = prepare(cu.sample_photo(name))
    pairs = top_three(model.predict(picture[None])[0])
    row[0].imshow(picture)
    row[1].bar([p[0] for p in pairs], [100 * p[1] for p in pairs])
    row[1].set_ylabel("percent")
    photos.append(dict(name=name, top3=pairs, answer=decide(pairs)))
plt.show()
in_no_class = "robot"
"""
        },
        (2, 3, 2, 1, 2),
    ),
    Sample(
        "own_photos_that_stay_at_home",
        {
            "three_photos": """\
box = cu.photo_box()
photos = []
for name, photo in [
    ("dog.jpg", cu.get_photo("dog.jpg")),
    ("box", cu.get_photo(box)),
    ("my shoe", cu.get_photo("IMG_1234.HEIC")),
]:
    picture = prepare(photo)
    pairs = top_three(model.predict(picture[None], verbose=0)[0])
    show_guesses(name, picture, pairs)
    photos.append({"name": name, "top3": pairs, "answer": decide(pairs)})
in_no_class = "my shoe"
"""
        },
        (2, 3, 2, 1, 2),
    ),
    Sample(
        "step_by_step",
        {
            "shrink_photo": """\
def shrink(photo):
    width, height = photo.size
    if width > height:
        rest = width - height
        photo = photo.crop((rest // 2, 0, rest // 2 + height, height))
    else:
        rest = height - width
        photo = photo.crop((0, rest // 2, width, rest // 2 + width))
    photo = photo.resize((32, 32), Image.NEAREST)
    return np.array(photo).astype("uint8")
""",
            "prepare_any": """\
def prepare(photo):
    photo = photo.convert("RGBA") if not photo.getexif() else ImageOps.exif_transpose(photo)
    photo = photo.convert("RGBA")
    black = Image.new("RGBA", photo.size, "black")
    black.alpha_composite(photo)
    return shrink(black.convert("RGB"))
""",
            "top_three": """\
def top_three(ten_scores):
    left = list(ten_scores)
    pairs = []
    for turn in range(3):
        best = max(left)
        pairs.append([class_names[left.index(best)], round(float(best), 3)])
        left[left.index(best)] = -1
    return pairs

scores = model.predict(prepare(portrait)[None], verbose=0)[0]
""",
            "say_dont_know": """\
threshold = 0.5
def decide(pairs):
    best_name, best_probability = pairs[0]
    if best_probability < threshold:
        return "I don't know, perhaps " + best_name
    return "This is a " + best_name + "!"
""",
        },
        (2, 3, 2, 1, 2),
    ),
]

"""Stage 3: what students hand in, right and wrong. The other answers are those of the solution."""

from __future__ import annotations

from autograder.samples import Sample

FULL = (2, 2, 2, 2, 2)
CALL = "train_test_split(all_numbers, test_size=0.1, stratify=y_all, random_state=42)"
OTHER = CALL.replace("42", "7")
COMPARE = "print(np.array_equal(val_numbers, val_again), np.array_equal(val_numbers, val_other))\n"
SAVE = "cu.save(piles=(train_numbers, val_numbers))\n"
REPEAT = f"train_again, val_again = {CALL}\ntrain_other, val_other = {OTHER}\n" + COMPARE


def everywhere(old: str, new: str) -> dict[str, str]:
    """Both cells that split, with the same change in each."""
    split = f"train_numbers, val_numbers = {CALL}\n"
    return {
        "split_piles": split.replace(old, new),
        "repeat_and_save": (REPEAT + SAVE).replace(old, new),
    }


MISTAKES = [
    Sample(
        "scaled_everything",
        {"scale_pictures": "few_pictures = x_all\nscaled_pictures = few_pictures / 255\n"},
        (1, 2, 2, 2, 2),
        {"scale_pictures": "memory"},
    ),
    Sample(
        "cut_off_after_the_point",
        {"scale_pictures": "few_pictures = x_all[:5]\nscaled_pictures = few_pictures // 255\n"},
        (0, 2, 2, 2, 2),
        {"scale_pictures": "Use one /"},
    ),
    Sample(
        "square_table",
        {"one_hot": "y_onehot = np.eye(10)\n"},
        (2, 0, 2, 2, 2),
        {"one_hot": "square table"},
    ),
    Sample(
        "class_numbers_left",
        {"one_hot": "y_onehot = y_all\n"},
        (2, 0, 2, 2, 2),
        {"one_hot": "class numbers"},
    ),
    Sample(
        "not_stratified",
        everywhere(", stratify=y_all", ""),
        (2, 2, 1, 2, 2),
        {"split_piles": "stratify=y_all"},
    ),
    Sample(
        "a_leak",
        {"split_piles": "train_numbers = all_numbers\nval_numbers = all_numbers[::10]\n"},
        (2, 2, 0, 2, 1),
        {"split_piles": "leak", "prove_fair": "in both piles"},
    ),
    Sample(
        "piles_turned_around",
        {"split_piles": f"val_numbers, train_numbers = {CALL}\n"},
        (2, 2, 0, 2, 1),
        {"split_piles": "Turn the two names around"},
    ),
    Sample(
        "no_seed",
        {"split_piles": f"train_numbers, val_numbers = {CALL}\n".replace(", random_state=42", "")},
        (2, 2, 2, 2, 1),
        {"repeat_and_save": "random_state=42"},
    ),
    Sample(
        "pictures_in_place_of_numbers",
        {"split_piles": f"train_numbers, val_numbers = {CALL}\n".replace("all_numbers", "x_all")},
        (2, 2, 0, 0, 0),
        {"split_piles": "holds pictures", "prove_fair": "Still to do"},
    ),
    Sample(
        "counted_everything",
        {
            "prove_fair": "overlap = len(set(train_numbers) & set(val_numbers))\n"
            "train_counts = np.bincount(y_all)\nval_counts = np.bincount(y_all[val_numbers])\n"
        },
        (2, 2, 2, 1, 2),
        {"prove_fair": "y_all[train_numbers]"},
    ),
    Sample(
        "not_saved",
        {"repeat_and_save": REPEAT},
        (2, 2, 2, 2, 1),
        {"repeat_and_save": "cu.save"},
    ),
    Sample(
        "kept_the_first_pile",
        {"repeat_and_save": f"val_again, _ = {CALL}\nval_other, _ = {OTHER}\n" + SAVE},
        (2, 2, 2, 2, 1),
        {"repeat_and_save": "second pile"},
    ),
]

STYLES = [
    Sample(
        "a_thousand_scaled",
        {"scale_pictures": "few_pictures = x_all[:1000]\nscaled_pictures = few_pictures / 255\n"},
        FULL,
    ),
    Sample(
        "keras_and_lists",
        {
            "scale_pictures": "few_pictures = x_all[100:103]\n"
            'scaled_pictures = few_pictures.astype("float32") / 255.0\n',
            "one_hot": "import keras\ny_onehot = keras.utils.to_categorical(y_all, 10)\n",
            "split_piles": "piles = train_test_split(list(range(len(y_all))), test_size=0.2,\n"
            "                         stratify=y_all, random_state=1)\n"
            "train_numbers, val_numbers = piles\n",
            "repeat_and_save": "a, val_again = train_test_split(list(range(len(y_all))),\n"
            "    test_size=0.2, stratify=y_all, random_state=1)\n"
            "b, val_other = train_test_split(list(range(len(y_all))),\n"
            "    test_size=0.2, stratify=y_all, random_state=2)\n" + SAVE,
        },
        FULL,
    ),
    Sample(
        "sets_and_counters",
        {
            "scale_pictures": "few_pictures = x_all[0]\n"
            "scaled_pictures = np.divide(few_pictures, 255)\n",
            "one_hot": "y_onehot = np.zeros((len(y_all), 10))\n"
            "y_onehot[np.arange(len(y_all)), y_all] = 1\n",
            "prove_fair": "from collections import Counter\n"
            "overlap = set(train_numbers) & set(val_numbers)\n"
            "train_counts = Counter(class_names[n] for n in y_all[train_numbers])\n"
            "val_counts = Counter(y_all[val_numbers].tolist())\n",
        },
        FULL,
    ),
    Sample(
        "numpy_only",
        {
            "one_hot": "y_onehot = (y_all[:, None] == np.arange(10)).astype(int)\n",
            "split_piles": """\
def deal(seed):
    rng = np.random.default_rng(seed)
    chosen = [rng.permutation(np.where(y_all == k)[0]) for k in range(10)]
    val = np.concatenate([numbers[: len(numbers) // 5] for numbers in chosen])
    return np.setdiff1d(np.arange(len(y_all)), val), val
train_numbers, val_numbers = deal(5)
""",
            "repeat_and_save": SAVE + "val_again = deal(5)[1]\nval_other = deal(6)[1]\n",
        },
        FULL,
    ),
    Sample(
        "shares_and_swapped_order",
        {
            "prove_fair": "overlap = np.intersect1d(train_numbers, val_numbers).size\n"
            "train_counts = np.bincount(y_all[train_numbers]) / len(train_numbers)\n"
            "val_counts = [int((y_all[val_numbers] == k).sum()) for k in range(10)]\n",
            "repeat_and_save": SAVE + REPEAT,
        },
        FULL,
    ),
]

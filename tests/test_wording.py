"""Reading captions and printed lines."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_utils.practice import CLASS_NAMES
from course_utils.wording import Number, Pair, names_in, read_numbers, read_pairs, read_roles

CAT, DOG, DEER = (CLASS_NAMES.index(name) for name in ("cat", "dog", "deer"))


@pytest.mark.parametrize(
    "text",
    [
        "Pred: cat\nTrue: dog\n63%",
        "Pred: cat, True: dog",
        "true: dog | predicted: cat (62.3%)",
        "Predicted label: cat, true label: dog",
        "y_true=dog y_pred=cat",
        "P: cat T: dog",
        "guess cat - truth dog",
        "AI: cat, answer: dog",
        "label: dog, guess: cat",
        "cat (true: dog)",
        "cat (predicted) vs dog (true)",
        "cat predicted, dog true",
        "dog predicted as cat",
        "Model says cat but it's a dog",
        "The label says dog, the model says cat",
        "The model thinks this is a cat. It is really a dog",
        "Looks like a cat to the model, but actually a dog",
        "This is a dog, predicted cat",
        "It guessed cat. It was a dog.",
        "dog -> cat",
        "dog → cat",
        "Wrong predictions:\ndog -> cat",
        "dog mistaken for cat",
        "cat (dog)",
        "cat 63% (dog)",
        "Predicted cat, not dog",
        "Predicted cat instead of dog",
        "The model said cat rather than dog",
        "dog misclassified as cat",
        "Classified a dog as a cat",
        "The model mistook a dog for a cat",
        "Model sees dog as cat",
        "The model predicted dog as cat",
        "confused dog with cat",
        "dog identified as cat",
        "The model thinks this dog is a cat",
        "It predicted that a dog was a cat",
        "Model's answer: cat\nRight answer: dog",
        "Model label: cat, True label: dog",
        "AI answer: cat, correct answer: dog",
        "TrueLabel: dog PredLabel: cat",
        "Pred:catTrue:dog",
        "It thought it was a cat but its a dog",
        "It thinks: cat\nIt is: dog",
        "predicted cat was dog",
        "Guessed cat for a dog",
        "63% sure that this dog is a cat",
        "pred -> true: cat -> dog",
        "y_pred=cat y_test=dog",
        "Predicted as cat, truly dog",
        "Target: dog Output: cat",
        "cat (63%) (dog)",
        "cat (predicted)\ndog (true)",
        "Model  Truth\ncat  dog",
        "label prediction\ndog cat",
        "prediction  correct answer\ncat dog",
        "True: dog\nIt is a hard one\nguess: cat 0.5",
        "Picture 3: cat instead of a dog",
        "Predicted:\ncat\nTrue:\ndog",
        "true/pred: dog/cat",
        "predicted / true\n\ncat / dog",
        "idx true pred\n12 dog cat",
        "TRUE: DOG PREDICTED: CAT",
    ],
)
def test_says_that_a_dog_was_predicted_as_cat(text):
    assert read_pairs(text, CLASS_NAMES) == [Pair(CAT, DOG)]


def test_lists_go_together_in_order():
    text = "predicted: ['cat', 'cat']\ntrue: ['dog', 'deer']"
    assert read_pairs(text, CLASS_NAMES) == [Pair(CAT, DOG), Pair(CAT, DEER)]


@pytest.mark.parametrize(
    "text",
    [
        "True: {}\nguess: {} 0.5\nguess: bird 0.3\nguess: frog 0.1",
        "Predicted: {1}\nSecond guess: bird\nTrue: {0}",
    ],
)
def test_further_guesses_do_not_mix_up_the_pictures(text):
    said = "My guess was: frog\n" + "\n".join(
        text.format(true, guess) for true, guess in (("dog", "cat"), ("deer", "cat"))
    )
    pairs = read_pairs(said, CLASS_NAMES)
    assert {Pair(CAT, DOG), Pair(CAT, DEER)} <= set(pairs)
    assert not {Pair(DOG, CAT), Pair(DEER, CAT)} & set(pairs)


def test_swapped_names_are_read_as_they_stand():
    assert read_pairs("Pred: dog, True: cat", CLASS_NAMES) == [Pair(DOG, CAT)]


@pytest.mark.parametrize(
    "text", ["cat / dog", "cat", "Pred: 3 True: 5", "", "caterpillar -> dogma"]
)
def test_says_nothing(text):
    assert read_pairs(text, CLASS_NAMES) == []


def test_names_are_whole_words():
    assert names_in("Cats, a DOG, and a dogma", CLASS_NAMES) == [CAT, DOG]
    assert names_in("aquarium fish", ["aquarium_fish", "fish"]) == [0]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("cat: 0.527", Number(0.527, False)),
        ("cat has 52.7 %", Number(52.7, True)),
        ("cat = 52.7percent", Number(52.7, True)),
        ("{'dog': 1, 'cat': np.float64(0.5)}", Number(0.5, False)),
        ("cat .5", Number(0.5, False)),
        ("cat-0.5", Number(0.5, False)),
        ("cat 5e-1", Number(0.5, False)),
    ],
)
def test_number_of_a_class(text, value):
    assert read_numbers(text, CLASS_NAMES)[CAT] == [value]


def test_rows_of_a_report_by_number():
    text = "     precision  recall\n\n   3   0.9   0.8\n\naccuracy 0.7\n   4   0.1 0.1\n"
    assert read_numbers(text, CLASS_NAMES) == {CAT: [Number(0.9, False), Number(0.8, False)]}


def test_lines_that_count_through_the_classes():
    lines = [f"{form}{n}{sep}0.{n}5" for n in range(10) for form, sep in (("Class ", ": "),)]
    found = read_numbers("\n".join(lines), CLASS_NAMES)
    assert found[CAT] == [Number(0.35, False)]
    assert len(found) == 10
    assert read_numbers("\n".join(lines[:9]), CLASS_NAMES) == {}
    assert read_numbers("\n".join(f"{n} 0.5" for n in range(10)), CLASS_NAMES)[9]


def test_a_list_of_names_gives_no_numbers():
    assert read_numbers("Classes: " + ", ".join(CLASS_NAMES), CLASS_NAMES) == {}


def test_a_page_of_digits_is_not_an_answer():
    text = "cat " + " ".join(f"{n / 100}" for n in range(100))
    assert read_numbers(text, CLASS_NAMES) == {}


def test_numbers_below_the_names():
    assert read_numbers("cat\naccuracy: 0.5", CLASS_NAMES) == {CAT: [Number(0.5, False)]}
    assert read_numbers("cat dog\n0.5 0.7", CLASS_NAMES) == {
        CAT: [Number(0.5, False)],
        DOG: [Number(0.7, False)],
    }
    assert read_numbers("cat dog\n0.5 0.7 0.9", CLASS_NAMES) == {}


def test_a_pair_counts_once_however_often_it_is_said():
    text = "p: cat\n" * 1000 + "t: dog\n" * 1000
    assert read_pairs(text, CLASS_NAMES) == [Pair(CAT, DOG)]


MANY = 50_000  # characters; of what one cell prints four times as many are kept
LONG = [
    *("true ", "guess_", "pred cat true dog ", "p: cat\n", "cat dog\n", "is\n", "a\n", "3 0.5\n"),
    *(" ", "_", "9", "(", "1 ", "cat 0.5\n", "class ", "p     :"),
]
ENDS = [" " * MANY + "x", "class" + "_" * MANY, "cat" + " " * MANY + "dog", "9" * MANY + " 1"]
ENDS += [
    "pred" + "!" * MANY + " cat is dog",
    "recall\n" + "9" * MANY + " 1",
    "cat " * 9 + "9" * MANY,
]
ENDS += ["p: cat\n" * (MANY // 14) + "t: dog\n" * (MANY // 14)]


def test_the_time_grows_with_the_length_only():
    """Together more than a million characters, of kinds that once took quadratic time."""
    began = time.process_time()
    for text in [*((part * MANY)[:MANY] for part in LONG), *ENDS]:
        assert len(read_pairs(text, CLASS_NAMES)) <= 100
        for read in (read_roles, read_numbers, names_in):
            read(text, CLASS_NAMES)
    assert time.process_time() - began < 10


WORDS = st.lists(
    st.sampled_from(
        [*CLASS_NAMES, "pred", "true", "is", "->", "(", "\n", "0.5", "%", "model", "é"]
    ),
    max_size=30,
).map(" ".join)


@given(WORDS | st.text(max_size=200))
def test_any_text_can_be_read(text):
    for pair in read_pairs(text, CLASS_NAMES):
        assert {pair.predicted, pair.true} <= set(names_in(text, CLASS_NAMES))
    assert set(read_numbers(text, CLASS_NAMES)) <= set(range(10))

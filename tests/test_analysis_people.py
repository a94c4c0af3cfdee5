"""Who else looked at the pictures: votes, and files that come, do not come, or come damaged."""

from __future__ import annotations

import dataclasses
import io
import json

import numpy as np
import pytest

from course_utils import data, download, models, practice
from course_utils.analysis import people
from tests.conftest import SHARED
from tests.test_data import Server


@pytest.fixture(autouse=True)
def _alone(tmp_path, monkeypatch):
    """Each test has a store of its own, and no way to the world outside."""
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("COURSE_PEOPLE", "http://127.0.0.1:9")
    monkeypatch.setattr(download, "STALL", 0.5)


@pytest.fixture(scope="module")
def listening():
    server = Server()
    yield server
    server.stop.set()
    server.shutdown()
    server.server_close()


@pytest.fixture
def server(listening):
    listening.files, listening.faults, listening.asked = {}, {}, []
    return listening


def sure(classes, k=3, score=0.9):
    """Answers of a model that chooses these classes."""
    answers = np.full((len(classes), k), (1 - score) / (k - 1))
    answers[np.arange(len(classes)), classes] = score
    return answers


# --- votes from counts -------------------------------------------------------------------------


def test_counts_become_shares():
    votes = people.count_votes([[3, 1], [0, 0], [0, 5]])
    assert votes.shares.tolist() == [[0.75, 0.25], [0, 0], [0, 1]]
    assert votes.shares.dtype == np.float64
    assert votes.voters.tolist() == [4, 0, 5]
    assert votes.source == "people"
    assert "strong evidence" in votes.words


def test_the_words_say_how_many_and_how_strong():
    assert "About 51 people" in people.count_votes(np.full((4, 3), 17)).words
    assert "only 3 other models: weaker" in people.count_votes([[1, 2]], "models").words
    assert "only 1 other model: weaker" in people.count_votes([[1, 0]], "models").words


def test_shares_are_votes_too_but_nobody_knows_of_how_many():
    votes = people.count_votes([[0.25, 0.75]])
    assert votes.shares.tolist() == [[0.25, 0.75]]
    assert votes.voters is None
    assert votes.words.startswith("People looked")


def test_nobody_voted_on_anything():
    votes = people.count_votes(np.zeros((3, 2), int))
    assert not votes.shares.any()
    assert votes.voters.tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    "counts",
    [
        [1, 2, 3],
        [[1], [2]],
        np.zeros((2, 3, 4)),
        [["a", "b"]],
        [[1, -1]],
        [[1, np.nan]],
        [[1, np.inf]],
    ],
)
def test_what_are_no_counts(counts):
    with pytest.raises(ValueError, match="Votes must be"):
        people.count_votes(np.asarray(counts))


def test_a_source_that_is_none():
    with pytest.raises(ValueError, match="not from 'cats'"):
        people.count_votes([[1, 2]], "cats")


# --- votes of models -----------------------------------------------------------------------------


@pytest.mark.parametrize("form", [list, dict, "generator"])
def test_each_model_has_one_vote(form):
    answers = [sure([0, 1, 2]), sure([0, 1, 1]), sure([0, 2, 1], score=0.4)]
    if form is dict:
        answers = dict(zip("abc", answers, strict=True))
    elif form == "generator":
        answers = iter(answers)
    votes = people.votes(None, answers)
    assert votes.source == "models"
    assert "weaker" in votes.words
    assert votes.voters.tolist() == [3, 3, 3]
    assert np.allclose(votes.shares * 3, [[3, 0, 0], [0, 2, 1], [0, 2, 1]])


def test_one_table_is_one_model_and_a_tie_goes_to_the_lowest_number():
    votes = people.votes(None, np.array([[0.4, 0.4, 0.2]]))
    assert votes.shares.tolist() == [[1, 0, 0]]


def test_nobody_is_a_witness_in_their_own_case():
    rng = np.random.default_rng(0)
    one, other = rng.dirichlet(np.ones(3), (2, 500))
    rounded = np.round(one, 3)
    votes = people.votes(None, [one, other], judged=rounded)
    assert votes.voters.max() == 1
    assert (votes.shares.argmax(axis=1) == other.argmax(axis=1)).all()
    with pytest.raises(ValueError, match="Nobody has voted"):
        people.votes(None, [one], judged=rounded)


def test_two_models_that_agree_on_easy_pictures_are_two():
    easy, hard = np.zeros(900, int), np.arange(100) % 3
    one = np.concatenate([sure(easy, score=0.999), sure(hard, score=0.6)])
    other = np.concatenate([sure(easy, score=0.999), sure((hard + 1) % 3, score=0.6)])
    assert people.votes(None, [one, other], judged=one).voters[0] == 1
    assert people.votes(None, [other], judged=one).voters[0] == 1
    both_sure = sure(easy, score=0.999)
    with pytest.raises(ValueError, match="Nobody has voted"):
        people.votes(None, [both_sure], judged=both_sure)
    assert people.votes(None, [both_sure], judged=sure(easy, 4)).voters[0] == 1  # other classes


@pytest.mark.parametrize(
    "answers, sentence",
    [
        (None, "Nobody has voted"),
        ([], "Nobody has voted"),
        ([[0.5, 0.5]], "table with one row for each picture"),
        ([sure([0, 1]), sure([0, 1, 1])], "same pictures and classes"),
        ([sure([0, 1]), sure([0, 1], k=4)], "same pictures and classes"),
        ([np.full((2, 3), np.nan)], "must be numbers"),
        ([np.array([["a", "b"]])], "must be numbers"),
    ],
)
def test_answers_that_do_not_fit(answers, sentence):
    with pytest.raises(ValueError, match=sentence):
        people.votes(None, answers)


def test_answers_must_be_for_these_pictures():
    pictures = np.zeros((5, 32, 32, 3), np.uint8)
    with pytest.raises(ValueError, match="5 rows"):
        people.votes(pictures, [sure([0, 1])])
    with pytest.raises(ValueError, match="pile of pictures"):
        people.votes(pictures[0], [sure([0, 1])])
    assert people.votes(pictures, [sure([0, 1, 2, 0, 1])]).voters[0] == 1


@pytest.mark.parametrize("k", [2, 100])
def test_any_number_of_classes(k):
    votes = people.votes(None, [sure([0, k - 1], k), sure([1, k - 1], k)])
    assert votes.shares.shape == (2, k)
    assert votes.shares[1, k - 1] == 1


def test_the_course_lends_three_models_for_the_practice_pictures():
    x_test, y_test = practice.draw_pictures(practice.TEST, 2)
    votes = people.votes(x_test)
    assert votes.source == "models"
    assert votes.voters.tolist() == [3] * practice.TEST
    assert (votes.shares.argmax(axis=1) == y_test).mean() > 0.8
    baseline = models.checkpoint_answers("practice", x_test)
    alone = people.votes(x_test, judged=baseline)
    assert alone.voters[0] == 2
    mine = sure((y_test + 1) % 10, k=10)
    assert people.votes(x_test, [mine], judged=baseline).voters[0] == 3
    assert not people.is_cifar10_test(x_test)


# --- files ---------------------------------------------------------------------------------------

COUNTS = np.random.default_rng(5).multinomial(51, np.full(10, 0.1), 40)
JUDGED = [(3, 7, 5, 3, 0, 1, 1), (8, 0, 1, 0, 5, 0, 0)]
NAME = "cifar10h-counts.npy"


def rater_rows(judged=JUDGED):
    keys = ("given", "guessed", "neither", "both")
    return json.dumps(
        [
            {
                "id": number,
                "given_original_label": label,
                "our_guessed_label": guess,
                "mturk": dict(zip(keys, counts, strict=True)),
            }
            for number, label, guess, *counts in judged
        ]
    ).encode()


@pytest.fixture
def content(tmp_path, monkeypatch):
    """A small stand-in for the published votes, known to ``people``; returns its bytes."""
    path = tmp_path / "made.npy"
    np.save(path, COUNTS)
    for name, table in (("people", COUNTS), ("cifar10", np.array(JUDGED))):
        file = dataclasses.replace(people._FILES[name], digest=people._digest(table))
        monkeypatch.setitem(people._FILES, name, file)
    return path.read_bytes()


@pytest.fixture
def mirror(server, content, monkeypatch):
    server.files[f"votes/{NAME}"] = content
    server.files["votes/cifar10_mturk.json"] = rater_rows()
    monkeypatch.setenv("COURSE_PEOPLE", server.url("votes/"))
    return server


def stored():
    return data.cache_folder() / NAME


@pytest.mark.parametrize(
    "faults",
    [[], ["cut"], ["stall"], ["503"], ["wrong byte"], ["cut", "no ranges"]],
    ids=lambda faults: "+".join(faults) or "none",
)
def test_download(mirror, capsys, faults):
    mirror.faults[f"votes/{NAME}"] = list(faults)
    assert np.array_equal(people.load_people(), COUNTS)
    said = capsys.readouterr().out
    assert "CC BY-NC-SA 4.0" in said
    assert "may not use them to earn money" in said
    assert 'Peterson et al. 2019, "Human uncertainty makes classification more robust"' in said
    assert not list(data.cache_folder().glob("downloads/*"))
    mirror.asked.clear()
    counts = people.load_people()
    assert np.array_equal(counts, COUNTS)
    assert counts.dtype == np.int64
    assert not mirror.asked
    again = capsys.readouterr().out
    assert "stored on this computer" in again
    assert "CC BY-NC-SA 4.0" in again


def test_raters_come_the_same_way(mirror, capsys):
    raters = people.load_raters()
    assert raters == {3: people.Raters(3, 0, 1, 1, 7, 5), 8: people.Raters(0, 5, 0, 0, 0, 1)}
    assert raters[8].guessed == 5
    assert raters[8].given_class == 0
    assert "Apache-2.0" in capsys.readouterr().out
    assert people.load_raters(source="cache") == raters
    with pytest.raises(ValueError, match="not for 'practice'"):
        people.load_raters("practice")


@pytest.mark.parametrize(
    "damage", [b"[]", b"{}", b'[{"id": 1}]', b"no json", rater_rows([JUDGED[0]])]
)
def test_raters_that_are_not_the_published_ones(mirror, damage):
    mirror.files["votes/cifar10_mturk.json"] = damage
    with pytest.raises(data.DataError, match="damaged, twice"):
        people.load_raters()


def as_npy(array):
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"<html>not found</html>",
        as_npy(COUNTS + 1),
        as_npy(COUNTS.reshape(10, 40)),
        as_npy(COUNTS + 0.5),
        as_npy(COUNTS.astype(object)),
        as_npy(COUNTS[:-1]),
    ],
)
def test_wrong_content_twice_is_refused(mirror, damage):
    mirror.files[f"votes/{NAME}"] = damage
    with pytest.raises(data.DataError, match="damaged, twice"):
        people.load_people()
    assert len(mirror.asked) == 2
    assert not stored().exists()
    assert not list(data.cache_folder().glob("downloads/*"))


def test_the_same_numbers_in_another_file_are_as_good(mirror):
    mirror.files[f"votes/{NAME}"] = as_npy(COUNTS.astype(np.float32))
    assert np.array_equal(people.load_people(), COUNTS)


def test_a_missing_file_is_said_at_once(mirror):
    del mirror.files[f"votes/{NAME}"]
    with pytest.raises(data.DataError, match="404"):
        people.load_people()
    assert len(mirror.asked) == 1


@pytest.mark.parametrize("damage", [b"", b"half", as_npy(COUNTS + 1)])
def test_a_damaged_store_is_put_aside_and_replaced(mirror, capsys, damage):
    people.load_people()
    stored().write_bytes(damage)
    with pytest.raises(data.DataError, match="damaged"):
        people.load_people("cache")
    assert "put aside" in capsys.readouterr().out
    assert stored().with_suffix(".damaged").read_bytes() == damage
    assert np.array_equal(people.load_people(), COUNTS)
    assert np.array_equal(people.load_people("cache"), COUNTS)


def test_a_store_of_another_user_is_left_alone(mirror, monkeypatch):
    people.load_people()

    def forbidden(*_, **__):
        raise PermissionError(13, "not yours")

    monkeypatch.setattr(np, "load", forbidden)
    with pytest.raises(data.DataError, match="cannot be read"):
        people.load_people("cache")
    assert stored().exists()


def test_a_store_that_cannot_be_written(mirror, tmp_path):
    (tmp_path / "cache").write_text("a file where the folder should be")
    with pytest.raises(data.DataError, match="no file can be stored"):
        people.load_people()


@pytest.mark.parametrize("inside", ["", "people", "cifar-10-batches-py"])
def test_folder(content, tmp_path, monkeypatch, capsys, inside):
    place = folder = tmp_path / "school"
    if inside == "cifar-10-batches-py":  # COURSE_DATA may name the pictures' own folder
        place, folder = tmp_path / "school" / inside, tmp_path / "school" / "people"
        place.mkdir(parents=True)
    elif inside:
        folder = place / inside
    folder.mkdir(parents=True)
    (folder / NAME).write_bytes(content)
    monkeypatch.setenv("COURSE_DATA", str(place))
    for source in ("auto", "local", "folder"):
        assert np.array_equal(people.load_people(source), COUNTS)
    assert "CC BY-NC-SA 4.0" in capsys.readouterr().out
    assert not stored().exists()


def test_a_wrong_file_in_the_folder_stays_where_it_is(content, tmp_path, monkeypatch):
    (tmp_path / NAME).write_bytes(as_npy(COUNTS + 1))
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    with pytest.raises(data.DataError, match="damaged or is another file"):
        people.load_people("local")
    assert (tmp_path / NAME).exists()


@pytest.mark.parametrize("setting", ["", "practice", "nowhere"])
def test_nothing_at_hand_says_what_to_do(monkeypatch, setting):
    monkeypatch.setenv("COURSE_DATA", setting)
    with pytest.raises(
        data.DataError, match=r"not at hand.*no connection.*Connect to the internet"
    ):
        people.load_people()
    with pytest.raises(data.DataError, match="nothing is stored yet"):
        people.load_people("local")


def test_unknown_source():
    with pytest.raises(data.DataError, match="The sources are: auto, local, folder"):
        people.load_people("cloud")


def test_grading_never_downloads(mirror, monkeypatch):
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    for source in ("auto", "download"):
        with pytest.raises(data.DataError, match="while a notebook is graded"):
            people.load_people(source)
    assert not mirror.asked
    assert not data.cache_folder().exists()


def test_two_notebooks_that_start_together(mirror, content, monkeypatch):
    """The second takes what the first has brought."""

    def other_was_faster(target):
        stored().parent.mkdir(parents=True)
        stored().write_bytes(content)
        return True

    monkeypatch.setattr(download, "wait_for_another", other_was_faster)
    assert np.array_equal(people.load_people("download"), COUNTS)
    assert not mirror.asked


# --- votes of people -----------------------------------------------------------------------


@pytest.fixture
def known(monkeypatch):
    """Pictures that pass for the test pictures of CIFAR-10."""
    pictures = np.zeros((40, 32, 32, 3), np.uint8)
    monkeypatch.setattr(people, "is_cifar10_test", lambda x: x is pictures)
    return pictures


def test_people_vote_only_if_asked_for_or_at_hand(mirror, known, capsys):
    answers = [sure([0] * 40, k=10)]
    votes = people.votes(known, answers)
    assert votes.source == "models"
    assert not mirror.asked
    assert "download=True" in capsys.readouterr().out
    votes = people.votes(known, answers, download=True)
    assert votes.source == "people"
    assert np.allclose(votes.shares, COUNTS / 51)
    assert votes.voters.tolist() == [51] * 40
    capsys.readouterr()
    assert people.votes(known).source == "people"  # from now on at hand
    other = np.ones((40, 32, 32, 3), np.uint8)
    assert people.votes(other, answers, download=True).source == "models"


def test_no_network_and_grading_fall_back_to_models(mirror, known, monkeypatch, capsys):
    answers = [sure([0] * 40, k=10)]
    with monkeypatch.context() as patch:
        patch.setenv("NBGRADER_EXECUTION", "autograde")
        assert people.votes(known, answers, download=True).source == "models"
        assert not mirror.asked
    capsys.readouterr()
    monkeypatch.setenv("COURSE_PEOPLE", "http://127.0.0.1:9")
    assert people.votes(known, answers, download=True).source == "models"
    said = capsys.readouterr().out
    assert said == "People's votes are not at hand, so other models vote.\n"


def test_other_pictures_are_never_taken_for_cifar():
    assert not people.is_cifar10_test(np.zeros((10_000, 32, 32, 3), np.uint8))
    assert not people.is_cifar10_test(np.zeros((3, 32, 32, 3), np.uint8))
    assert not people.is_cifar10_test(np.zeros((10_000, 32, 32, 3), np.float32))


# --- the real thing --------------------------------------------------------------------------


@pytest.fixture
def real(monkeypatch):
    if not SHARED.exists():
        pytest.skip("needs ../shared, which is not here")
    monkeypatch.setenv("COURSE_DATA", str(SHARED))


@pytest.mark.real_data
def test_the_published_votes(real):
    counts = people.load_people()
    assert counts.shape == (10_000, 10)
    assert (counts.sum(axis=1).min(), counts.sum(axis=1).max()) == (47, 63)
    with np.load(SHARED / "predictions" / "vgg16_keras_cifar10_test.npz") as answers:
        assert (counts.argmax(axis=1) == answers["labels"]).mean() == pytest.approx(0.9921)
    assert not list(data.cache_folder().glob("*"))


@pytest.mark.real_data
def test_the_published_raters(real):
    for pictures, count, confirmed in (("cifar10", 275, 54), ("cifar100", 2235, 585)):
        raters = people.load_raters(pictures)
        assert len(raters) == count
        assert sum(rater.given < 3 for rater in raters.values()) == confirmed
        assert all(sum(rater[:4]) == 5 for rater in raters.values())


@pytest.mark.real_data
def test_the_real_pictures_are_known(real, cifar, monkeypatch):
    monkeypatch.setenv("COURSE_DATA", str(cifar))
    x_test, _, _ = data.load_test()
    assert people.is_cifar10_test(x_test)
    assert not people.is_cifar10_test(x_test[::-1])
    assert people.votes(x_test).source == "models"
    assert people.votes(x_test).voters[0] == 3
    monkeypatch.setenv("COURSE_DATA", str(SHARED))
    votes = people.votes(x_test)
    assert votes.source == "people"
    assert votes.words.startswith("About 51 people")


def test_the_project_ships_none_of_it():
    names = {file.name for file in people._FILES.values()}
    assert not [path for path in models.ASSETS.parent.rglob("*") if path.name in names]

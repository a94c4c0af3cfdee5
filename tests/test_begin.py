"""What each stage begins with: the student's own work, or the course's."""

import numpy as np
import pytest

from course_utils import begin, data, models, workbook
from course_utils.workspace import STRESS_ITEMS, Workspace


@pytest.fixture
def at_work(tmp_path, monkeypatch):
    """A student's folder ``stage_07/`` with ``workspace/`` beside it, on practice pictures."""
    folder = tmp_path / "stage_07"
    folder.mkdir()
    (tmp_path / "workspace").mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("COURSE_DATA", "practice")
    return Workspace(tmp_path / "workspace", "practice")


def answers(seed=0, rows=2000):
    return np.random.default_rng(seed).dirichlet(np.ones(10), rows)


@pytest.mark.parametrize("stage", [1, 2, 3])
def test_first_stages_have_the_training_pictures_only(at_work, stage):
    x, y, names = workbook.resume(stage)
    assert (x.shape, x.dtype, y.shape, y.dtype) == ((6000, 32, 32, 3), "uint8", (6000,), "int64")
    assert names == list(data.CLASS_NAMES)
    assert not x.flags.writeable


def test_piles_of_the_course_are_fair(at_work):
    labels = data.load_train("practice")[0][1]
    training, validation = begin.split(labels)
    assert np.array_equal(np.sort(np.r_[training, validation]), np.arange(len(labels)))
    assert (np.bincount(labels[validation]) == np.round(np.bincount(labels) / 10)).all()
    assert all(map(np.array_equal, begin.split(labels), (training, validation)))
    assert not np.array_equal(begin.split(labels, seed=1)[1], validation)


def test_own_piles_are_used(at_work, capsys):
    at_work.write("piles", (np.arange(100, 6000), np.arange(100)))
    x_train, y_train, x_val, *_ = workbook.resume(4)
    assert "Piles: your own" in capsys.readouterr().out
    assert (len(x_train), len(x_val)) == (5900, 100)
    assert y_train.shape == (5900, 10)
    assert np.array_equal(x_val, data.load_train("practice")[0][0][:100])


@pytest.mark.parametrize(
    "piles",
    [
        (np.arange(100), np.arange(50)),  # overlap
        (np.arange(100), np.arange(100, 7000)),  # beyond the pictures
        (np.arange(10.0), np.arange(20.0, 30.0)),
        (np.arange(10), np.arange(10, 20), np.arange(20, 30)),
    ],
)
def test_impossible_piles_are_not_used(at_work, capsys, piles):
    at_work.write("piles", piles)
    workbook.resume(4)
    assert "Piles: the course's own" in capsys.readouterr().out


@pytest.mark.slow
def test_own_network_is_given_untrained(at_work, capsys):
    network = models.build_small(seed=3)
    at_work.write("network", network)
    model = workbook.resume(5).model
    assert "your own from Stage 4" in capsys.readouterr().out
    assert model.count_params() == network.count_params()


@pytest.mark.parametrize("stage", [6, 7, 9, 10])
def test_lent_model_needs_no_tensorflow(at_work, stage, capsys, monkeypatch):
    monkeypatch.setattr(models, "import_keras", lambda: pytest.fail("TensorFlow is not needed"))
    workbook.resume(stage)
    said = capsys.readouterr().out
    assert "Model: the course's own" in said
    assert ("It gets" in said) == (stage != 6)  # there the score is still sealed


def test_own_answers_come_first(at_work, capsys):
    at_work.write("predictions", answers())
    found = workbook.resume(7)
    assert "Model: your own" in capsys.readouterr().out
    assert np.allclose(found.model.predict(found.x_test), answers(), atol=1e-6)
    assert np.allclose(found.model.predict(found.x_test[[5, 2]]), answers()[[5, 2]], atol=1e-6)


@pytest.mark.parametrize("bad", [answers(rows=1999), np.ones((2000, 9))])
def test_answers_of_another_shape_are_not_used(at_work, capsys, bad):
    at_work.write("predictions", bad)
    workbook.resume(7)
    assert "Model: the course's own" in capsys.readouterr().out


@pytest.mark.slow
def test_own_model_is_found_and_named(at_work, capsys):
    model = models.build_baseline(seed=1)
    at_work.write("predictions", answers())
    model.save(at_work.path("model"))  # newer than the answers of the model before
    found = workbook.resume(7)
    assert "Model: your own, from workspace/model.keras" in capsys.readouterr().out
    few = found.x_test[:5]
    assert np.allclose(
        found.model.predict(few, verbose=0), model.predict(few, verbose=0), atol=1e-5
    )


@pytest.mark.slow
@pytest.mark.parametrize("damage", ["cut off", "another shape"])
def test_damaged_own_model_is_replaced_by_the_course_s(at_work, capsys, damage):
    path = at_work.path("model")
    if damage == "cut off":
        path.write_bytes(b"PK half")
    else:
        keras = models.import_keras()
        keras.Sequential([keras.layers.Input((3,)), keras.layers.Dense(2)]).save(path)
    found = workbook.resume(7)
    said = capsys.readouterr().out
    assert "put aside" in said
    assert "Model: the course's own" in said
    assert found.model.predict(found.x_test[:2], verbose=0).shape == (2, 10)


def test_work_on_other_pictures_is_left_alone(at_work, capsys):
    other = Workspace(at_work.folder, "cifar10")
    other.write("predictions", answers(rows=10_000))
    other.write("guess", "cat")
    workbook.resume(7)
    assert "Model: the course's own" in capsys.readouterr().out
    assert other.read("predictions") is not None
    assert workbook.recall("guess") == "cat"  # a guess is about classes, not pictures


def test_findings_for_demo_day(at_work):
    assert workbook.resume(10).findings["own"] is False
    at_work.write("guess", "bird")
    at_work.write("findings", {"hardest_class": "dog"})
    at_work.write("predictions", answers())
    found = workbook.resume(10)
    assert (found.findings["guess"], found.findings["hardest_class"]) == ("bird", "dog")
    assert found.findings["own"] is True
    assert np.allclose(found.predictions, answers(), atol=1e-6)


@pytest.mark.parametrize("stage", [0, 13, "7"])
def test_there_are_ten_stages(stage):
    with pytest.raises(ValueError, match="1 to 10"):
        workbook.resume(stage)


def test_the_stress_test_takes_all_four_own_networks_or_none(at_work, capsys):
    for number, item in enumerate(STRESS_ITEMS):
        known = workbook.resume(12).answers
        assert "the course's own four" in capsys.readouterr().out
        assert not np.array_equal(known["baseline"], answers(0))
        at_work.write(item, answers(number))
    mine = workbook.resume(12).answers
    assert "your own four" in capsys.readouterr().out
    assert [np.array_equal(table, answers(n)) for n, table in enumerate(mine.values())] == [
        True
    ] * 4
    assert list(mine) == ["baseline", "cutmix", "smoothing", "both"]


def test_the_evaluation_begins_with_a_model_and_its_history(at_work):
    begun = workbook.resume(11)
    epochs = models.training_record("practice", "improved")["epochs"]
    assert len(begun.history["val_accuracy"]) == epochs
    assert begun.model.predict(begun.x_test).shape == begun.y_test.shape == (2000, 10)

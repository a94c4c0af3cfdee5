"""The checkpoints, the model of a stage, and recorded predictions."""

import subprocess
import sys

import numpy as np
import pytest

from course_utils import data, models, workbook

PICTURES = np.random.default_rng(0).integers(0, 256, (50, 32, 32, 3), dtype=np.uint8)
PROBABILITIES = np.random.default_rng(1).dirichlet(np.ones(10), 50).astype("float32")


def test_import_is_light():
    code = (
        "import course_utils, sys; sys.exit(any(m in sys.modules for m in ('keras', 'tensorflow')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("name", ["cifar10", "practice"])
def test_checkpoints_are_small_and_documented(name):
    assert (models.ASSETS / f"baseline_{name}.weights.h5").stat().st_size <= 2_000_000
    record = models.training_record(name)
    assert {"seed", "epochs", "seconds", "cpu_cores", "versions", "history"} <= set(record)
    assert record["cpu_cores"] == 2
    assert record["seconds"] < 3600


@pytest.mark.slow
def test_practice_checkpoint_is_as_good_as_its_record_says(practice_predictions):
    _, labels, _ = data.load_test("practice")
    accuracy = (np.load(practice_predictions).argmax(axis=1) == labels).mean()
    assert accuracy == pytest.approx(models.training_record("practice")["test_accuracy"], abs=0.01)


@pytest.mark.slow
@pytest.mark.real_data
def test_real_checkpoint_is_as_good_as_its_record_says(cifar, cifar_predictions, monkeypatch):
    monkeypatch.setenv("COURSE_DATA", str(cifar))
    _, labels, _ = data.load_test()
    accuracy = (np.load(cifar_predictions).argmax(axis=1) == labels).mean()
    assert accuracy >= 0.82
    assert accuracy == pytest.approx(models.training_record("cifar10")["test_accuracy"], abs=0.002)


def test_unknown_checkpoint():
    with pytest.raises(FileNotFoundError, match="not complete"):
        models.training_record("cifar1000")


def test_recorded_model_answers_any_subset_in_any_order():
    model = models.RecordedModel(PICTURES, PROBABILITIES)
    order = [7, 3, 3, 41]
    assert np.array_equal(model.predict(PICTURES[order], verbose=0), PROBABILITIES[order])
    assert np.array_equal(model.predict(PICTURES), PROBABILITIES)
    model.predict(PICTURES)[:] = 0  # what it gives away can be changed without harm
    assert np.array_equal(model.predict(PICTURES), PROBABILITIES)


@pytest.mark.parametrize("pictures", [255 - PICTURES[:2], PICTURES / 255])
def test_recorded_model_says_what_it_does_not_know(pictures):
    with pytest.raises(ValueError, match="not one of the test pictures"):
        models.RecordedModel(PICTURES, PROBABILITIES).predict(pictures)


def test_recorded_model_needs_a_row_for_each_picture():
    with pytest.raises(ValueError, match="50 pictures but 49 rows"):
        models.RecordedModel(PICTURES, PROBABILITIES[1:])


def test_predictions_from_npy_and_npz(tmp_path):
    np.save(tmp_path / "a.npy", PROBABILITIES)
    np.savez(tmp_path / "b.npz", probs=PROBABILITIES, labels=np.arange(50))
    np.savez(tmp_path / "c.npz", a=PROBABILITIES, b=PROBABILITIES)
    for name in ("a.npy", "b.npz"):
        assert np.array_equal(models.read_predictions(tmp_path / name), PROBABILITIES)
    with pytest.raises(ValueError, match="it holds 2"):
        models.read_predictions(tmp_path / "c.npz")


@pytest.fixture
def at_work(tmp_path, monkeypatch):
    """A student's folder ``stage_07/`` with ``workspace/`` beside it, on practice pictures."""
    folder = tmp_path / "stage_07"
    folder.mkdir()
    (tmp_path / "workspace").mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("COURSE_DATA", "practice")
    return tmp_path


@pytest.mark.slow
def test_own_model_is_found_and_named(at_work, capsys):
    model = models.build_baseline(seed=1)
    model.save(at_work / "workspace" / "model.keras")
    found = workbook.resume(7)
    assert "Model: your own, from workspace/model.keras" in capsys.readouterr().out
    few = found.x_test[:5]
    assert np.allclose(
        found.model.predict(few, verbose=0), model.predict(few, verbose=0), atol=1e-5
    )


@pytest.mark.slow
@pytest.mark.parametrize("damage", ["cut off", "another shape"])
def test_damaged_own_model_is_replaced_by_the_course_s(at_work, capsys, damage):
    path = at_work / "workspace" / "model.keras"
    if damage == "cut off":
        path.write_bytes(b"PK half")
    else:
        keras = models.import_keras()
        keras.Sequential([keras.layers.Input((3,)), keras.layers.Dense(2)]).save(path)
    found = workbook.resume(7)
    said = capsys.readouterr().out
    assert "cannot be used" in said
    assert "Model: the course's own" in said
    assert found.model.predict(found.x_test[:2], verbose=0).shape == (2, 10)


@pytest.mark.slow
def test_what_stage_7_begins_with(at_work):
    model, x_test, y_test, class_names = workbook.resume(stage=7)
    assert x_test.shape == (2000, 32, 32, 3)
    assert x_test.dtype == np.uint8
    assert y_test.shape == (2000, 10)
    assert (y_test.sum(axis=1) == 1).all()
    assert class_names == list(data.CLASS_NAMES)
    assert model.input_shape == (None, 32, 32, 3)


def test_other_stages_are_still_to_come():
    with pytest.raises(ValueError, match="Only 7 is ready"):
        workbook.resume(stage=6)


def test_check_before_setup_says_what_to_run(monkeypatch, capsys):
    monkeypatch.setattr(workbook._Session, "stage", None)
    assert workbook.check("find_wrong") == 0.0
    assert "Run All Above" in capsys.readouterr().out

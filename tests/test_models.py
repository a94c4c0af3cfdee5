"""The checkpoints, the model of a stage, and recorded predictions."""

import subprocess
import sys

import numpy as np
import pytest

from course_utils import data, models, record

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
    with pytest.raises(ValueError, match="not a test picture as it is"):
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


def test_recorded_model_loads_the_real_one_for_other_pictures_only():
    loaded = []

    class Real:
        compiled = True

        def predict(self, x, verbose=1):
            return np.full((len(x), 10), 0.1)

        def count_params(self):
            return 7

    def load():
        loaded.append(1)
        return Real()

    model = models.RecordedModel(PICTURES, PROBABILITIES, load)
    model.predict(PICTURES[::-1], verbose=0)
    assert not loaded
    assert model.predict(PICTURES[:3] / 255, verbose=0).shape == (3, 10)
    assert model.count_params() == 7
    assert loaded == [1]


def test_recorded_training_is_returned_at_once_and_only_for_the_same_epochs():
    class Real:
        def compile(self, **options):
            self.options = options

        def fit(self, *_, **options):
            return options["epochs"]

        def predict(self, x, verbose=1):
            return "new"

    history = {"loss": [2.0, 1.0], "val_accuracy": [0.3, 0.4]}
    model = models.RecordedModel(PICTURES, PROBABILITIES, Real, history)
    model.compile(optimizer="adam", loss="x")
    found = model.fit(PICTURES, None, epochs=2)
    assert (found.history, found.epoch) == (history, [0, 1])
    assert np.array_equal(model.predict(PICTURES), PROBABILITIES)
    assert model.fit(PICTURES, None, epochs=5) == 5  # another training: the record is void
    assert model.options == {"optimizer": "adam", "loss": "x"}
    assert model.predict(PICTURES) == "new"


def test_untrained_gives_the_recorded_improvement_or_a_new_network():
    improved = models.RecordedModel(PICTURES, PROBABILITIES[::-1])
    before = models.RecordedModel(PICTURES, PROBABILITIES, improved=improved)
    assert models.untrained(before) is improved


@pytest.mark.slow
def test_untrained_is_the_same_network_with_the_same_first_weights():
    model = models.build_small(seed=1)
    one, other = models.untrained(model), models.untrained(model)
    for a, b in zip(one.get_weights(), other.get_weights(), strict=True):
        assert np.array_equal(a, b)
    assert one.count_params() == model.count_params() == 113_450
    assert not np.array_equal(one.get_weights()[0], model.get_weights()[0])


@pytest.mark.parametrize("network", list(models.BUILDERS))
@pytest.mark.parametrize("name", ["cifar10", "practice"])
def test_every_checkpoint_is_whole(network, name):
    """Weights, the record of the training, and the answers, which agree with that record."""
    assert (models.ASSETS / f"{network}_{name}.weights.h5").stat().st_size <= 4_000_000
    made = models.training_record(name, network)
    assert made["epochs"] == len(made["history"]["val_accuracy"])
    text = (models.ASSETS / f"{network}_{name}.predictions.txt").read_text()
    assert len(record.read(text)["predictions"]) in (2000, 10_000)


@pytest.mark.parametrize("network", list(models.BUILDERS))
def test_recorded_answers_agree_with_the_training_record(network):
    x_test, labels, _ = data.load_test("practice")
    answers = models.checkpoint_answers("practice", x_test, network)
    accuracy = (answers.argmax(axis=1) == labels).mean()
    assert accuracy == pytest.approx(models.training_record("practice", network)["test_accuracy"])
    assert models.checkpoint_answers("practice", 255 - x_test, network) is None


@pytest.mark.slow
def test_recorded_answers_are_those_of_the_checkpoint(practice_predictions):
    x_test, _, _ = data.load_test("practice")
    recorded = models.checkpoint_answers("practice", x_test)
    real = np.load(practice_predictions)
    assert (recorded.argmax(axis=1) == real.argmax(axis=1)).mean() > 0.998
    assert np.abs(recorded.max(axis=1) - real.max(axis=1)).max() < 0.01


def test_the_model_behind_a_stand_in():
    kept = object()
    stand_in = models.RecordedModel(PICTURES, np.eye(10)[[0] * len(PICTURES)], lambda: kept)
    assert models.real(stand_in) is kept
    assert models.real(kept) is kept
    with pytest.raises(ValueError, match="not at hand"):
        models.real(models.RecordedModel(PICTURES, np.eye(10)[[0] * len(PICTURES)]))

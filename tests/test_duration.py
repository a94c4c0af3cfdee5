"""How long a training takes, told before and while it runs."""

import numpy as np
import pytest

from course_utils import duration, models

X = np.random.default_rng(0).integers(0, 256, (300, 32, 32, 3), np.uint8)
Y = np.eye(10, dtype="float32")[np.arange(300) % 10]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(1, "5 seconds"), (44, "45 seconds"), (70, "1 minute"), (89, "1 minute"), (200, "3 minutes")],
)
def test_times_in_words(seconds, words):
    assert duration.in_words(seconds) == f"about {words}"


@pytest.mark.slow
def test_estimate_leaves_the_model_as_it_is(capsys):
    model = models.build_small()
    before = model.get_weights()
    assert duration.training_time(model, X, Y, epochs=2) > 0
    assert "300 pictures for 2 epochs will take about" in capsys.readouterr().out
    assert all(map(np.array_equal, before, model.get_weights()))
    assert duration.training_time(model, X, Y.argmax(axis=1), epochs=2) > 0


def test_a_long_training_has_a_smaller_option(capsys, monkeypatch):
    monkeypatch.setattr(duration, "_LONG", 0)
    monkeypatch.setattr(duration, "_SMALL", 100)
    duration.training_time(models.build_small(), X, Y, epochs=2)
    assert "x_train[:100]" in capsys.readouterr().out


def test_a_recorded_training_takes_no_time(capsys):
    model = models.RecordedModel(X, None, history={"loss": [1.0]})
    assert duration.training_time(model, X, Y, epochs=1) == 0
    assert "recorded" in capsys.readouterr().out


@pytest.mark.slow
def test_learning_rate_warms_up_and_ends_at_zero():
    rate = duration.learning_rate(epochs=4, pictures=1280)
    values = [float(rate(step)) for step in range(41)]
    assert values[0] == pytest.approx(1e-4)
    assert max(values) == pytest.approx(4e-3, rel=0.01)
    assert 8 <= int(np.argmax(values)) <= 11
    assert values[-1] == pytest.approx(0, abs=1e-6)


@pytest.mark.slow
def test_progress_ends_with_one_line(capsys):
    model = models.build_small()
    model.compile("adam", loss="categorical_crossentropy", metrics=["accuracy"])
    options = {"validation_data": (X, Y), "epochs": 2, "verbose": 0}
    model.fit(X, Y, callbacks=[duration.progress()], **options)
    lines = capsys.readouterr().out.split("\r")
    assert lines[-1].startswith("Trained for 2 epochs, about ")
    assert "validation accuracy 0." in lines[-1]
    assert any("Epoch 2 of 2" in line for line in lines)

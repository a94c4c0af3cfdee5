"""The folder of a student's work: whole files or none, damaged ones put aside."""

import numpy as np
import pytest

from course_utils import models
from course_utils.workspace import ITEMS, Workspace, find_folder


@pytest.fixture
def workspace(tmp_path):
    return Workspace(tmp_path / "workspace", "practice")


VALUES = {
    "guess": "cat",
    "history": {"loss": [2.0, 1.0], "val_accuracy": [0.2, 0.4]},
    "photos": [{"name": "robot", "top3": [["cat", 0.5]], "answer": "I don't know"}],
}


@pytest.mark.parametrize("name", VALUES)
def test_data_comes_back(workspace, name):
    assert workspace.read(name) is None
    workspace.write(name, VALUES[name])
    assert workspace.read(name) == VALUES[name]
    assert [path.name for path in workspace.folder.iterdir()] == [f"{name}.json"]


def test_arrays_come_back(workspace):
    piles = np.arange(5), np.arange(5, 8)
    workspace.write("piles", piles)
    workspace.write("predictions", np.eye(10)[:4])
    assert all(np.array_equal(a, b) for a, b in zip(workspace.read("piles"), piles, strict=True))
    assert np.array_equal(workspace.read("predictions"), np.eye(10)[:4])


@pytest.mark.slow
def test_a_model_comes_back_without_its_optimizer(workspace):
    model = models.build_small()
    model.compile("adam", loss="sparse_categorical_crossentropy")
    pictures = np.zeros((4, 32, 32, 3), np.uint8)
    model.fit(pictures, np.zeros(4), verbose=0)
    workspace.write("model", model)
    found = workspace.read("model")
    assert np.allclose(found.predict(pictures, verbose=0), model.predict(pictures, verbose=0))
    assert workspace.path("model").stat().st_size < 700_000
    workspace.pictures = "cifar10"  # it learned from practice pictures
    assert workspace.read("model") is None


@pytest.mark.parametrize("name", ["guess", "piles", "predictions"])
@pytest.mark.parametrize("damage", ["cut", "empty", "noise"])
def test_a_damaged_file_is_put_aside_and_never_loaded(workspace, name, damage):
    value = {"guess": "cat", "piles": (np.arange(99), np.arange(9))}.get(name, np.eye(10))
    workspace.write(name, value)
    place = workspace.path(name)
    content = place.read_bytes()
    noise = bytes(255 - byte for byte in content)
    place.write_bytes({"cut": content[: len(content) // 2], "empty": b"", "noise": noise}[damage])
    assert workspace.read(name) is None
    assert not place.exists()
    assert place.with_name(f"damaged_{place.name}").exists()
    assert "put aside" in workspace.notes[0]
    workspace.write(name, value)  # and can be kept anew
    assert workspace.read(name) is not None


@pytest.mark.slow
@pytest.mark.parametrize("damage", ["cut", "another shape", "a flipped byte"])
def test_a_damaged_model_is_put_aside(workspace, damage):
    workspace.write("model", models.build_small())
    place = workspace.path("model")
    content = bytearray(place.read_bytes())
    if damage == "cut":
        place.write_bytes(content[:-5000])
    elif damage == "a flipped byte":
        content[len(content) // 2] ^= 255
        place.write_bytes(content)
    else:
        keras = models.import_keras()
        keras.Sequential([keras.layers.Input((3,)), keras.layers.Dense(2)]).save(place)
    assert workspace.read("model") is None
    assert "put aside" in workspace.notes[0]


def test_a_failed_write_leaves_the_old_file(workspace):
    workspace.write("guess", "cat")
    with pytest.raises(TypeError):
        workspace.write("guess", object())
    assert workspace.read("guess") == "cat"
    assert len(list(workspace.folder.iterdir())) == 1


def test_one_file_restores_everything(workspace, tmp_path):
    for name, value in VALUES.items():
        workspace.write(name, value)
    workspace.write("piles", (np.arange(3), np.arange(2)))
    other = Workspace(tmp_path / "other", "practice")
    assert sorted(other.unpack(workspace.pack())) == sorted([*VALUES, "piles"])
    assert other.read("history") == VALUES["history"]


@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\x05\x06" + bytes(18)])
def test_another_file_is_refused_and_nothing_changes(workspace, content):
    workspace.write("guess", "cat")
    with pytest.raises(ValueError, match="Choose"):
        workspace.unpack(content)
    assert workspace.read("guess") == "cat"


def test_a_bundle_cannot_write_elsewhere(workspace, tmp_path):
    import io
    import zipfile

    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as bundle:
        bundle.writestr("../guess.json", "{}")
        bundle.writestr("guess.json", '{"value": "dog"}')
    assert workspace.unpack(buffer.getvalue()) == ["guess"]
    assert not (tmp_path / "guess.json").exists()


def test_where_it_lies(tmp_path, monkeypatch):
    stage = tmp_path / "stage_07_find_its_mistakes"
    stage.mkdir()
    monkeypatch.chdir(stage)
    assert find_folder() == tmp_path / "workspace"  # all stages share it
    monkeypatch.chdir(tmp_path)
    assert find_folder() == tmp_path / "workspace"
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    monkeypatch.chdir(stage)
    assert find_folder() == stage / "workspace"  # nobody else's
    monkeypatch.setenv("COURSE_WORKSPACE", str(tmp_path / "mine"))
    assert find_folder() == tmp_path / "mine"


def test_every_item_has_a_form():
    assert set(ITEMS.values()) == {".json", ".npz", ".keras"}

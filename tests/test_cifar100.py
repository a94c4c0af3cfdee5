"""The pictures of the stress test: where they come from, and which of them are used."""

from __future__ import annotations

import hashlib
import pickle

import numpy as np
import pytest

from course_utils import cifar100, data, download, practice, stress
from tests.archives import tar_gz
from tests.test_data import Server

NAMES = ("bear", "can", "man", "sea")
EACH = 120  # training pictures of each class
SEVERAL = pytest.mark.parametrize("how", ["cut short", "no archive", "empty"])


@pytest.fixture
def alone(tmp_path, monkeypatch):
    """A store of its own, and no way to the world outside."""
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(cifar100, "ARCHIVE_URL", "http://127.0.0.1:9/archive")
    monkeypatch.setattr(download, "STALL", 0.5)
    return tmp_path / "cache"


def part(seed: int, count: int) -> dict:
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 256, (count, 3072), dtype=np.uint8)
    return {b"data": pixels, b"fine_labels": rng.permutation(np.arange(count) % 4).tolist()}


class Small:
    """Official files with four classes, as a folder, an archive and a single file."""

    def __init__(self, folder, monkeypatch):
        self.train, self.test = part(1, 4 * EACH), part(2, 40)
        meta = {b"fine_label_names": [name.encode() for name in NAMES]}
        parts = {"train": self.train, "test": self.test, "meta": meta}
        self.files = {name: pickle.dumps(one, protocol=2) for name, one in parts.items()}
        md5 = {name: hashlib.md5(content).hexdigest() for name, content in self.files.items()}
        self.archive = tar_gz(cifar100.FOLDER, self.files)
        monkeypatch.setattr(cifar100, "FILES", md5)
        monkeypatch.setattr(cifar100, "ARCHIVE_SHA256", hashlib.sha256(self.archive).hexdigest())
        monkeypatch.setattr(stress, "FEW", 360)  # of 4 classes with 100 pictures each
        self.folder = folder / "official" / cifar100.FOLDER
        self.folder.mkdir(parents=True)
        for name, content in self.files.items():
            (self.folder / name).write_bytes(content)
        self.x_train, self.x_test = (
            one[b"data"].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
            for one in (self.train, self.test)
        )
        self.y_train, self.y_test = (
            np.array(one[b"fine_labels"]) for one in (self.train, self.test)
        )

    def single(self, folder, **other):
        """All pictures in one file, as ``cifar-100.npz``."""
        arrays = {
            "x_train": self.x_train,
            "y_train": self.y_train.astype(np.uint8),
            "x_test": self.x_test,
            "y_test": self.y_test.astype(np.uint8),
            "class_names": np.array(NAMES),
        }
        folder.mkdir(exist_ok=True)
        np.savez_compressed(folder / "cifar-100.npz", **arrays | other)
        return folder


@pytest.fixture
def small(tmp_path, monkeypatch, alone):
    return Small(tmp_path, monkeypatch)


@pytest.fixture
def server():
    server = Server()
    yield server
    server.stop.set()
    server.shutdown()
    server.server_close()


def assert_all(found, small):
    """The pictures are the official ones, each with its own label."""
    assert found.kind == "cifar100"
    assert found.class_names == NAMES
    assert np.array_equal(found.x_test, small.x_test)
    assert np.array_equal(found.y_test, small.y_test)
    for x, y in ((found.x_train, found.y_train), (found.x_val, found.y_val)):
        assert (x.dtype, y.dtype) == (np.uint8, np.int64)
        known = cifar100.fingerprints(small.x_train)
        places = cifar100.places_of(cifar100.fingerprints(x), known)
        assert (places >= 0).all()
        assert np.array_equal(small.y_train[places], y)


# --- folder and store ------------------------------------------------------------------------


@pytest.mark.parametrize("source", ["auto", "cifar100", "folder"])
def test_official_folder(small, monkeypatch, capsys, source):
    monkeypatch.setenv("COURSE_DATA", str(small.folder.parent))
    assert_all(cifar100.load_stress(source), small)
    assert "CIFAR-100 from the folder" in capsys.readouterr().out


def test_single_file(small, monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("COURSE_DATA", str(small.single(tmp_path / "one")))
    assert_all(cifar100.load_stress("folder"), small)
    assert "CIFAR-100 from the folder" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["train", "test", "meta"])
def test_folder_with_a_wrong_byte_or_without_a_file(small, monkeypatch, name):
    monkeypatch.setenv("COURSE_DATA", str(small.folder.parent))
    content = bytearray(small.files[name])
    content[len(content) // 2] ^= 1
    (small.folder / name).write_bytes(content)
    with pytest.raises(data.DataError, match=f"the file {name} is damaged"):
        cifar100.load_stress("folder")
    (small.folder / name).unlink()
    with pytest.raises(data.DataError, match=f"the file {name} of cifar-100-python is missing"):
        cifar100.load_stress("folder")


def test_a_pickle_of_unknown_content_is_never_opened(small, monkeypatch):
    """A pickle can run anything, so its hash is compared first."""

    class Trap:
        def __reduce__(self):
            return pytest.fail, ("the pickle was opened",)

    (small.folder / "train").write_bytes(pickle.dumps(Trap()))
    monkeypatch.setenv("COURSE_DATA", str(small.folder.parent))
    with pytest.raises(data.DataError, match="damaged"):
        cifar100.load_stress("folder")


@pytest.mark.parametrize("setting", ["", "practice", "empty"])
def test_a_folder_without_them(alone, tmp_path, monkeypatch, setting):
    monkeypatch.setenv("COURSE_DATA", setting and (setting if setting == "practice" else "."))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(data.DataError, match=r"not set to a folder|there is no cifar"):
        cifar100.load_stress("folder")


def damage(path, how):
    whole = path.read_bytes()
    changed = {"cut short": whole[: len(whole) // 2], "no archive": b"hello " * 100, "empty": b""}
    path.write_bytes(changed[how])


@SEVERAL
def test_a_damaged_single_file_is_said_in_words(small, monkeypatch, tmp_path, how):
    folder = small.single(tmp_path / "one")
    damage(folder / "cifar-100.npz", how)
    monkeypatch.setenv("COURSE_DATA", str(folder))
    with pytest.raises(data.DataError, match=r"cifar-100.npz cannot be read"):
        cifar100.load_stress("folder")


def test_a_wrong_byte_in_a_packed_file_is_said_in_words(small, monkeypatch, tmp_path):
    folder = small.single(tmp_path / "one")
    path = folder / "cifar-100.npz"
    content = bytearray(path.read_bytes())
    content[2000:2100] = bytes(100)
    path.write_bytes(content)
    monkeypatch.setenv("COURSE_DATA", str(folder))
    with pytest.raises(data.DataError, match=r"cifar-100.npz cannot be read"):
        cifar100.load_stress("folder")


@pytest.mark.parametrize(
    ("other", "says"),
    [
        ({"x_test": np.zeros((40, 28, 28, 1), np.uint8)}, "32 by 32"),
        ({"x_train": np.zeros((480, 32, 32, 3))}, "32 by 32"),
        ({"x_test": np.zeros((0, 32, 32, 3), np.uint8), "y_test": np.zeros(0)}, "32 by 32"),
        ({"y_test": np.full(40, 4)}, "labels that have no name"),
        ({"class_names": np.array(["bear"])}, "labels that have no name"),
    ],
)
def test_a_single_file_with_other_content_is_refused(small, monkeypatch, tmp_path, other, says):
    monkeypatch.setenv("COURSE_DATA", str(small.single(tmp_path / "one", **other)))
    with pytest.raises(data.DataError, match=says):
        cifar100.load_stress("folder")


@SEVERAL
def test_a_damaged_store_is_put_aside(small, server, monkeypatch, capsys, how):
    server.files["archive"] = small.archive
    monkeypatch.setattr(cifar100, "ARCHIVE_URL", server.url("archive"))
    cifar100.load_stress()
    store = data.cache_folder() / "cifar100.npz"
    damage(store, how)
    server.asked.clear()
    assert_all(cifar100.load_stress(), small)
    assert [path for path, _ in server.asked] == ["archive"]  # brought anew
    assert "put aside as cifar100.damaged" in capsys.readouterr().out
    assert store.with_suffix(".damaged").is_file()
    assert_all(cifar100.load_stress("cache"), small)


def test_an_empty_store(alone):
    with pytest.raises(data.DataError, match="nothing is stored yet"):
        cifar100.load_stress("cache")


# --- download --------------------------------------------------------------------------------


@pytest.mark.parametrize("faults", [[], ["cut"], ["stall"], ["503"], ["cut", "no ranges"]])
def test_original(small, server, monkeypatch, capsys, faults):
    server.files["archive"] = small.archive
    server.faults["archive"] = list(faults)
    monkeypatch.setenv("COURSE_MIRROR_100", server.url("archive"))
    assert_all(cifar100.load_stress(), small)
    assert f"CIFAR-100 from {server.url('archive')}" in capsys.readouterr().out
    assert not list(data.cache_folder().glob("downloads/*"))
    server.asked.clear()
    assert_all(cifar100.load_stress(), small)
    assert not server.asked
    assert "stored on this computer" in capsys.readouterr().out


def test_an_archive_with_a_wrong_byte_is_refused_and_fetched_anew(small, server, monkeypatch):
    server.files["archive"] = small.archive
    server.faults["archive"] = ["wrong byte"]
    monkeypatch.setattr(cifar100, "ARCHIVE_URL", server.url("archive"))
    with pytest.raises(data.DataError, match="not the official archive"):
        cifar100.load_stress("original")
    assert not list(data.cache_folder().rglob("*.*"))
    assert_all(cifar100.load_stress("original"), small)


def test_a_missing_file_is_said(alone, server, monkeypatch):
    monkeypatch.setattr(cifar100, "ARCHIVE_URL", server.url("nothing"))
    with pytest.raises(data.DataError, match="404"):
        cifar100.load_stress("original")


def test_cifar100_is_never_replaced_by_practice_pictures(alone):
    with pytest.raises(data.DataError, match=r"CIFAR-100 is not at hand.*set COURSE_DATA"):
        cifar100.load_stress("cifar100")


def test_unknown_source(alone):
    with pytest.raises(data.DataError, match="The sources are: auto"):
        cifar100.load_stress("cloud")


# --- practice pictures -----------------------------------------------------------------------


def test_without_a_network_there_are_practice_pictures(cache, monkeypatch, capsys):
    monkeypatch.setattr(cifar100, "ARCHIVE_URL", "http://127.0.0.1:9/archive")
    found = cifar100.load_stress()
    assert (found.kind, found.class_names) == ("practice", practice.CLASS_NAMES)
    assert "practice pictures" in capsys.readouterr().out


def test_a_stopped_download_gives_practice_pictures(cache, monkeypatch, capsys):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(cifar100, "_from_original", stop)
    assert cifar100.load_stress().kind == "practice"
    assert "You stopped the download" in capsys.readouterr().out
    with pytest.raises(KeyboardInterrupt):
        cifar100.load_stress("cifar100")


def test_practice_pictures_are_asked_for_without_any_look_elsewhere(cache, monkeypatch):
    monkeypatch.setenv("COURSE_DATA", "practice")
    monkeypatch.setattr(cifar100, "_find", lambda _: pytest.fail("looked elsewhere"))
    few, full = cifar100.load_stress(), cifar100.load_stress(full=True)
    assert [len(pile) for pile in (few.x_train, few.x_val)] == [2_000, 500]
    assert len(full.x_train) + len(full.x_val) == practice.TRAIN
    for found in (few, full):
        train, val, test = map(cifar100.fingerprints, (found.x_train, found.x_val, found.x_test))
        assert not set(val.tolist()) & set(train.tolist())
        assert not set(test.tolist()) & {*train.tolist(), *val.tolist()}


# --- which pictures --------------------------------------------------------------------------


def test_all_of_them_are_split_by_class_and_always_the_same(small, monkeypatch):
    monkeypatch.setenv("COURSE_DATA", str(small.folder.parent))
    found = cifar100.load_stress("folder", full=True)
    assert_all(found, small)
    assert np.bincount(found.y_val).tolist() == [EACH // 10] * 4
    assert np.bincount(found.y_train).tolist() == [EACH - EACH // 10] * 4
    train, val = map(cifar100.fingerprints, (found.x_train, found.x_val))
    assert len({*train.tolist(), *val.tolist()}) == 4 * EACH
    again = cifar100.load_stress("folder", full=True)
    assert np.array_equal(again.x_val, found.x_val)


def test_few_are_the_first_of_each_class(small, monkeypatch):
    monkeypatch.setenv("COURSE_DATA", str(small.folder.parent))
    monkeypatch.setattr(stress, "training_fingerprints", lambda: None)
    found = cifar100.load_stress("folder")
    assert np.bincount(found.y_train).tolist() == [90] * 4
    assert np.bincount(found.y_val).tolist() == [10] * 4
    assert found.y_train[:8].tolist() == [0, 1, 2, 3, 0, 1, 2, 3]
    assert np.array_equal(found.x_train[0], small.x_train[list(small.y_train).index(0)])


def test_few_are_those_of_the_shipped_models_in_whatever_order_they_come(
    small, monkeypatch, tmp_path
):
    order = np.random.default_rng(3).permutation(4 * EACH)
    chosen = order[:400]
    known = cifar100.fingerprints(small.x_train[chosen])
    monkeypatch.setattr(stress, "training_fingerprints", lambda: known)
    other = {"x_train": small.x_train[::-1], "y_train": small.y_train[::-1]}
    monkeypatch.setenv("COURSE_DATA", str(small.single(tmp_path / "one", **other)))
    found = cifar100.load_stress("folder")
    assert np.array_equal(found.x_train, small.x_train[chosen[:360]])
    assert np.array_equal(found.y_train, small.y_train[chosen[:360]])
    assert np.array_equal(found.x_val, small.x_train[chosen[360:]])


def test_a_picture_that_is_there_twice_keeps_both_its_labels(small, monkeypatch, tmp_path):
    """In CIFAR-100, one training picture is both a girl and a baby."""
    x, y = small.x_train.copy(), small.y_train.copy()
    x[7], y[7], y[3] = x[3], 1, 2
    known = cifar100.fingerprints(x[:400])
    monkeypatch.setattr(stress, "training_fingerprints", lambda: known)
    folder = small.single(tmp_path / "one", x_train=x, y_train=y)
    monkeypatch.setenv("COURSE_DATA", str(folder))
    found = cifar100.load_stress("folder")
    assert np.array_equal(found.y_train, y[:360])
    assert np.array_equal(found.x_train, x[:360])


def test_pictures_that_the_shipped_models_have_not_seen(small, monkeypatch):
    monkeypatch.setenv("COURSE_DATA", str(small.folder.parent))
    monkeypatch.setattr(stress, "training_fingerprints", lambda: np.arange(400, dtype=np.uint64))
    assert np.bincount(cifar100.load_stress("folder").y_train).tolist() == [90] * 4


def test_a_fingerprint_tells_pictures_apart_and_nothing_else():
    pictures = np.random.default_rng(0).integers(0, 256, (50, 32, 32, 3), dtype=np.uint8)
    known = cifar100.fingerprints(pictures)
    assert (known.shape, known.dtype) == ((50,), np.uint64)
    assert len(set(known.tolist())) == 50
    view = pictures[::-1, :, :, :]
    assert np.array_equal(cifar100.fingerprints(view), known[::-1])
    changed = pictures.copy()
    changed[7, 31, 31, 2] ^= 1
    differs = cifar100.fingerprints(changed) != known
    assert np.flatnonzero(differs).tolist() == [7]


def test_places_of_fingerprints():
    known = np.array([50, 10, 30, 2**64 - 1], np.uint64)
    wanted = np.array([10, 2**64 - 1, 11, 50, 0, 30, 10], np.uint64)
    assert cifar100.places_of(wanted, known).tolist() == [1, 3, -1, 0, -1, 2, 1]


def test_first_of_each():
    labels = np.array([1, 1, 0, 2, 0, 2, 1, 0])
    assert cifar100.first_of_each(labels, 2).tolist() == [2, 0, 3, 4, 1, 5]


@pytest.mark.real_data
def test_the_shipped_models_have_learned_from_real_pictures(cifar, monkeypatch):
    known = stress.training_fingerprints()
    if known is None:
        pytest.skip("the trainings on CIFAR-100 are not shipped yet")
    monkeypatch.setenv("COURSE_DATA", str(cifar))
    found = cifar100.load_stress("folder")
    assert [len(pile) for pile in found[:6:2]] == [9_000, 1_000, 10_000]
    for y, each in ((found.y_train, 90), (found.y_val, 10), (found.y_test, 100)):
        assert np.bincount(y).tolist() == [each] * 100
    both = np.concatenate([found.x_train, found.x_val])
    assert np.array_equal(cifar100.fingerprints(both), known)
    assert {"lobster", "crab", "sea", "man", "can"} <= set(found.class_names)

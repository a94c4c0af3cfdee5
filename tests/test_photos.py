"""Photos from everywhere: whatever comes in, a photo comes out, or a sample and a sentence."""

from __future__ import annotations

import io
import sys
import types
from datetime import datetime

import numpy as np
import pytest
from PIL import Image, ImageOps

from course_utils import photos
from course_utils.photos import SAMPLES, PhotoBox, get_photo, photo_box, sample_photo

STAND_IN = sample_photo("landscape")


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NBGRADER_EXECUTION", raising=False)
    monkeypatch.delitem(sys.modules, "google.colab", raising=False)


def noise(width, height, mode="RGB"):
    channels = len(Image.new(mode, (1, 1)).getbands())
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (height, width, channels), dtype=np.uint8)
    return Image.fromarray(pixels.squeeze()) if mode in ("L", "RGB", "RGBA", "LA") else None


def encoded(image, kind="PNG", **settings):
    buffer = io.BytesIO()
    image.save(buffer, kind, **settings)
    return buffer.getvalue()


def is_stand_in(image):
    return np.array_equal(np.asarray(image), np.asarray(STAND_IN))


# --- Samples


@pytest.mark.parametrize("name", SAMPLES)
def test_samples_are_the_same_each_time(name):
    first, second = sample_photo(name), sample_photo(name)
    assert np.array_equal(np.asarray(first), np.asarray(second))
    assert sorted(first.size) in ([480, 480], [480, 640])
    assert len(np.unique(np.asarray(first).reshape(-1, first.size[0]), axis=0)) > 50


def test_samples_bring_what_the_stage_needs():
    assert sample_photo("landscape").width > sample_photo("landscape").height
    portrait = sample_photo("portrait")
    assert portrait.getexif()[0x0112] == 6
    assert ImageOps.exif_transpose(portrait).size == (480, 640)
    assert sample_photo("sticker").getextrema()[3] == (0, 255)
    with pytest.raises(ValueError, match="portrait, landscape"):
        sample_photo("dragon")


@pytest.mark.parametrize("name", [*SAMPLES, " Teapot ", "ROBOT"])
def test_samples_by_name(name, capsys):
    assert get_photo(name).size == sample_photo(name.strip().lower()).size
    assert capsys.readouterr().out == ""


# --- Every way to bring a photo


PHOTO = noise(90, 60)


def test_all_kinds_of_sources(tmp_path, capsys):
    data = encoded(PHOTO)
    path = tmp_path / "Mein Hund ä.png"
    path.write_bytes(data)
    uploaded = {"dog.png": {"content": data, "metadata": {"name": "dog.png"}}}  # ipywidgets 7
    newer = ({"name": "dog.png", "content": memoryview(data), "size": len(data)},)  # and 8
    sources = [
        path,
        str(path),
        path.name,
        f' "{path.name}" ',
        data,
        bytearray(data),
        memoryview(data),
        io.BytesIO(data),
        PHOTO,
        np.asarray(PHOTO),
        np.asarray(PHOTO)[None],
        np.asarray(PHOTO) / 255,
        np.asarray(PHOTO).astype(int),
        {"dog.png": data},  # what files.upload() returns on Colab
        uploaded,
        newer,
        types.SimpleNamespace(value=uploaded, accept="image/*"),
        types.SimpleNamespace(value=newer, accept="image/*"),
        PhotoBox({"dog.png": data}),
        PhotoBox(widget=types.SimpleNamespace(value=newer)),
    ]
    for source in sources:
        assert np.array_equal(np.asarray(get_photo(source)), np.asarray(PHOTO)), source
    assert capsys.readouterr().out == ""


def test_the_real_widget(capsys):
    widgets = pytest.importorskip("ipywidgets")
    widget = widgets.FileUpload()
    assert is_stand_in(get_photo(PhotoBox(widget=widget)))
    assert "no photo in the box" in " ".join(capsys.readouterr().out.split())
    if not widgets.__version__.startswith("7"):
        file = {"name": "dog.png", "type": "image/png", "size": 9, "last_modified": datetime.now()}
        widget.value = ({**file, "content": memoryview(encoded(PHOTO))},)
        assert get_photo(widget).size == get_photo(PhotoBox(widget=widget)).size == PHOTO.size


def test_of_several_photos_the_last_one_counts(capsys):
    files = {"a.png": encoded(noise(10, 10)), "b.png": encoded(PHOTO)}
    assert get_photo(files).size == PHOTO.size
    assert "I take the last one, b.png" in capsys.readouterr().out


@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA", "LA"])
def test_modes_are_left_to_the_student(mode):
    assert get_photo(encoded(noise(40, 30, mode))).mode == mode
    assert get_photo(encoded(PHOTO.quantize(8), transparency=1)).mode == "P"


def test_a_large_photo_becomes_small_and_keeps_its_notes():
    exif = Image.Exif()
    exif[0x0112] = 8
    data = encoded(noise(4000, 3000), "JPEG", quality=90, exif=exif)
    assert len(data) > 6_000_000
    photo = get_photo(data)
    assert max(photo.size) <= 1024
    assert photo.getexif()[0x0112] == 8
    assert ImageOps.exif_transpose(photo).height > ImageOps.exif_transpose(photo).width


def test_what_is_given_is_not_changed():
    large = noise(3000, 20)
    get_photo(large)
    assert large.size == (3000, 20)


@pytest.mark.parametrize("kind", ["I;16", "I", "F"])
def test_more_than_eight_bits(kind):
    ramp = np.linspace(0, 65535, 64 * 64).reshape(64, 64)
    types_ = {"I;16": np.uint16, "I": np.int32, "F": np.float32}
    photo = get_photo(Image.fromarray(ramp.astype(types_[kind])))
    assert photo.mode == "L"
    assert np.ptp(np.asarray(photo).astype(int)) > 240


# --- What cannot be read


def bmff(kind):
    return b"\0\0\0\x18ftyp" + kind + b"\0" * 200


BROKEN = {
    "HEIC": (bmff(b"heic"), "HEIC photo"),
    "HEIC of a burst": (bmff(b"mif1"), "HEIC photo"),
    "video": (bmff(b"mp42"), "a video"),
    "text": (b"Dear teacher, my dog ate the photo.", ".jpg or .png"),
    "empty": (b"", "empty (0 bytes)"),
    "cut off": (encoded(noise(300, 300), "JPEG")[:9000], "not complete"),
    "cut off early": (encoded(PHOTO)[:60], "Use a file|not complete|.jpg or .png"),
    "damaged": (encoded(PHOTO)[:200] + b"x" * 500, "damaged|.jpg or .png"),
    "too large": (encoded(Image.new("1", (8000, 7500))), "too large"),
    "a bomb": (encoded(Image.new("1", (20000, 20000))), "too large"),
    "no such file": ("dog.jpg", "no file 'dog.jpg'"),
    "no name": ("  ", "is empty"),
    "address": ("https://example.org/dog.jpg", "on the internet"),
    "folder": (".", "is a folder"),
    "long name": ("x" * 5000, "cannot be opened"),
    "null": ("a\0b", "cannot be|ValueError"),
    "no such user": ("~nobody_at_all/dog.jpg", "cannot be opened|no file"),
    "open, but cut off": (
        Image.open(io.BytesIO(encoded(noise(300, 300), "JPEG")[:9000])),
        "cannot be read (OSError)",
    ),
    "blank": (..., "still a ..."),
    "number": (7, "A int is not a photo"),
    "list": (["dog.jpg"], "A list is not a photo"),
    "function": (len, "is not a photo"),
    "dict": ({"dog.jpg": "dog"}, "is not a photo"),
    "cancelled": ({}, "no photo in the box"),
    "nothing chosen": ((), "no photo in the box"),
    "empty box": (PhotoBox(), "no photo in the box"),
    "box of text": (PhotoBox({"notes.txt": b"hello"}), "notes.txt is not a photo"),
    "wrong array": (np.zeros((3, 4, 5)), "(3, 4, 5)"),
    "empty array": (np.zeros((0, 4, 3)), "is not a picture"),
    "array of text": (np.array(["cat"]), "is not a picture"),
}


@pytest.mark.parametrize(("source", "words"), BROKEN.values(), ids=BROKEN)
@pytest.mark.filterwarnings("error")
def test_what_cannot_be_read_is_explained(source, words, capsys):
    assert is_stand_in(get_photo(source))
    said = capsys.readouterr()
    text = " ".join(said.out.split())
    assert any(word in text for word in words.split("|")), text
    assert "the course's sample 'landscape' in its place" in text
    assert said.err == ""
    assert all(len(line) <= 78 for line in said.out.splitlines() if " " in line)


def test_a_wrong_name_gets_a_list_of_what_is_there(tmp_path, capsys):
    for name in ("Dog.JPG", "notes.txt"):
        (tmp_path / name).write_bytes(b"x")
    get_photo("dog.jpg.jpg")
    text = capsys.readouterr().out
    assert "Dog.JPG" in text
    assert "notes.txt" not in text


# --- Asking for a photo


def test_without_a_browser_there_is_a_sample(capsys):
    assert photo_box().widget is None
    assert is_stand_in(get_photo())
    assert "no photo in the box" in " ".join(capsys.readouterr().out.split())


def colab(monkeypatch, upload):
    module = types.ModuleType("google.colab")
    module.files = types.SimpleNamespace(upload=upload)
    package = types.ModuleType("google")
    package.colab = module
    monkeypatch.setitem(sys.modules, "google", package)
    monkeypatch.setitem(sys.modules, "google.colab", module)


def refuse():
    raise RuntimeError("MessageError: TypeError: google.colab._files is undefined")


def test_colab_asks(monkeypatch, capsys):
    colab(monkeypatch, lambda: {"dog (1).png": encoded(PHOTO)})
    assert get_photo().size == PHOTO.size
    assert get_photo(photo_box()).size == PHOTO.size
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("upload", [dict, lambda: None, refuse])
def test_colab_cancelled(monkeypatch, capsys, upload):
    colab(monkeypatch, upload)
    assert is_stand_in(get_photo())
    assert "sample" in capsys.readouterr().out


def test_in_grading_nobody_is_asked(monkeypatch, capsys):
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    colab(monkeypatch, refuse)
    assert is_stand_in(get_photo())
    assert is_stand_in(get_photo(photo_box()))
    assert "sample" in capsys.readouterr().out


def test_in_jupyter_there_is_a_button(monkeypatch, capsys):
    pytest.importorskip("ipywidgets")
    shown = []
    monkeypatch.setattr("IPython.get_ipython", lambda: types.SimpleNamespace(kernel=True))
    monkeypatch.setattr("IPython.display.display", shown.append)
    box = photo_box()
    assert shown == [box.widget]
    assert is_stand_in(get_photo(box))
    box.widget = types.SimpleNamespace(value=({"name": "a.png", "content": encoded(PHOTO)},))
    assert get_photo(box).size == PHOTO.size
    capsys.readouterr()
    get_photo()
    assert "cu.get_photo(box)" in capsys.readouterr().out


def test_a_page_without_widgets(monkeypatch):
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    assert photo_box().widget is None


def test_photos_are_not_sent_or_stored(tmp_path):
    source = open(photos.__file__, encoding="utf-8").read()  # noqa: PTH123, SIM115
    assert not any(word in source for word in ("urllib", "requests", "http.client", "socket"))
    get_photo(encoded(PHOTO))
    assert list(tmp_path.iterdir()) == []

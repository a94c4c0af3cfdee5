"""Where the pictures come from, and what happens when they do not come."""

from __future__ import annotations

import contextlib
import hashlib
import io
import pickle
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from course_utils import data, download, practice
from tests.archives import tar_gz


@pytest.fixture(autouse=True)
def _alone(tmp_path, monkeypatch):
    """Each test has a store of its own, and no way to the world outside."""
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(data, "ARCHIVE_URL", "http://127.0.0.1:9/archive")
    monkeypatch.setattr(data, "PARQUET_URL", "http://127.0.0.1:9/{part}")
    monkeypatch.setattr(download, "STALL", 0.5)


# --- a small stand-in for the official files, with hashes of its own ------------------------


def batch(number: int, count: int = 20) -> bytes:
    pixels = np.random.default_rng(number).integers(0, 256, (count, 3072), dtype=np.uint8)
    return pickle.dumps({b"data": pixels, b"labels": [n % 10 for n in range(count)]}, protocol=2)


class Small:
    """Six batches of 20 pictures, as folder, archive and parquet, known to ``data``."""

    def __init__(self, folder, monkeypatch):
        names = [*data.FILES["train"], *data.FILES["test"]]
        self.files = {name: batch(number) for number, name in enumerate(names)}
        md5 = {name: hashlib.md5(content).hexdigest() for name, content in self.files.items()}
        parts = {part: {name: md5[name] for name in data.FILES[part]} for part in data.FILES}
        self.parts = {
            part: data._join([data._unpickle(self.files[name]) for name in files])
            for part, files in parts.items()
        }
        blocks = {name: data._unpickle(content) for name, content in self.files.items()}
        content = {
            part: [data.content_hash(*blocks[n]) for n in files] for part, files in parts.items()
        }
        self.blocks = blocks
        self.archive = tar_gz("cifar-10-batches-py", self.files)
        monkeypatch.setattr(data, "FILES", parts)
        monkeypatch.setattr(data, "CONTENT", content)
        monkeypatch.setattr(data, "ARCHIVE_SHA256", hashlib.sha256(self.archive).hexdigest())
        self.folder = folder / "cifar-10-batches-py"
        self.folder.mkdir()
        for name, file in self.files.items():
            (self.folder / name).write_bytes(file)

    def parquet(self, part: str, order: list[str] | None = None) -> bytes:
        names = order or list(data.FILES[part])
        pixels, labels = data._join([self.blocks[name] for name in names])
        return as_parquet(pixels, labels)


def as_parquet(pixels, labels) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq
    from PIL import Image

    cells = []
    for picture in pixels:
        file = io.BytesIO()
        Image.fromarray(picture).save(file, "PNG", compress_level=1)
        cells.append({"bytes": file.getvalue(), "path": None})
    sink = io.BytesIO()
    pq.write_table(pa.table({"img": cells, "label": labels.tolist()}), sink)
    return sink.getvalue()


@pytest.fixture
def small(tmp_path, monkeypatch):
    return Small(tmp_path, monkeypatch)


def same(part, small, name):
    return all(np.array_equal(a, b) for a, b in zip(part, small.parts[name], strict=True))


def assert_all(pictures, small):
    assert same(pictures[0:2], small, "train")
    assert same(pictures[2:4], small, "test")
    assert pictures.x_train.dtype == np.uint8
    assert pictures.y_train.dtype == np.int64


# --- a server that fails in every way --------------------------------------------------------


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.files: dict[str, bytes] = {}
        self.faults: dict[str, list[str]] = {}  # by path: what goes wrong, once each
        self.asked: list[tuple[str, str | None]] = []
        self.stop = threading.Event()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server_port}/{path}"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        path, server = self.path.lstrip("/"), self.server
        server.asked.append((path, self.headers.get("Range")))
        content = server.files.get(path)
        fault = server.faults.get(path, []).pop(0) if server.faults.get(path) else ""
        if content is None or fault == "404":
            self.send_error(404)
            return
        if fault == "503":
            self.send_error(503)
            return
        start = 0
        if self.headers.get("Range") and fault != "no ranges":
            start = int(self.headers["Range"].removeprefix("bytes=").rstrip("-"))
            if start >= len(content):
                self.send_error(416)
                return
        if fault == "wrong byte":
            middle = len(content) // 2
            content = content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        body = content[start:]
        with contextlib.suppress(OSError):
            if fault in ("cut", "stall"):
                self.wfile.write(body[: len(body) // 2])
                self.wfile.flush()
                if fault == "stall":
                    server.stop.wait(3)
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    server = Server()
    yield server
    server.stop.set()
    server.shutdown()
    server.server_close()


# --- folder and store ------------------------------------------------------------------------


@pytest.mark.parametrize("inside", [True, False])
def test_folder_and_its_parent(small, monkeypatch, capsys, inside):
    place = small.folder if inside else small.folder.parent
    monkeypatch.setenv("COURSE_DATA", str(place))
    assert_all(data.load_cifar10(), small)
    assert "CIFAR-10 from the folder" in capsys.readouterr().out


def test_folder_with_a_wrong_byte(small, monkeypatch):
    content = bytearray(small.files["data_batch_3"])
    content[500] ^= 1
    (small.folder / "data_batch_3").write_bytes(content)
    monkeypatch.setenv("COURSE_DATA", str(small.folder))
    with pytest.raises(data.DataError, match="data_batch_3 is damaged"):
        data.load_cifar10()


def test_folder_without_the_files(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    with pytest.raises(data.DataError, match=r"no file data_batch_1.*official folder"):
        data.load_cifar10()


def test_unknown_source():
    with pytest.raises(data.DataError, match="The sources are: auto"):
        data.load_cifar10("cloud")


def test_no_network_gives_practice_pictures_soon(capsys):
    start = time.monotonic()
    pictures = data.load_cifar10()
    assert time.monotonic() - start < 30  # it is seconds; this only proves that it ends
    assert pictures.x_test.shape == (practice.TEST, 32, 32, 3)
    assert "practice pictures" in capsys.readouterr().out


def test_a_network_that_swallows_everything_does_not_hang(monkeypatch):
    """An address that never answers: 5 s at most until the decision."""
    silent = socket.socket()
    silent.bind(("127.0.0.1", 0))
    silent.listen(0)
    fillers = []
    for _ in range(4):  # fill the queue, so that further connections wait
        filler = socket.socket()
        filler.setblocking(False)
        with contextlib.suppress(OSError):
            filler.connect(silent.getsockname())
        fillers.append(filler)
    start = time.monotonic()
    reached = download.reachable([f"http://127.0.0.1:{silent.getsockname()[1]}/"])
    assert time.monotonic() - start < 15
    assert not reached
    for filler in [*fillers, silent]:
        filler.close()


def test_a_name_that_cannot_be_looked_up_does_not_hang(monkeypatch):
    over = threading.Event()

    def never(*_, **__):
        over.wait(30)
        raise OSError

    monkeypatch.setattr(socket, "create_connection", never)
    start = time.monotonic()
    assert download.reachable(["http://nowhere.invalid/"], seconds=0.5) == set()
    assert time.monotonic() - start < 10
    over.set()


@pytest.mark.parametrize("setting", ["", "practice"])
def test_cifar10_is_never_replaced_by_practice_pictures(monkeypatch, setting):
    monkeypatch.setenv("COURSE_DATA", setting)
    with pytest.raises(data.DataError, match="CIFAR-10 is not at hand"):
        data.load_cifar10("cifar10")


# --- downloads -------------------------------------------------------------------------------

FAULTS = [
    [],
    ["cut"],
    ["stall"],
    ["cut", "stall", "cut"],
    ["503"],
    ["wrong byte"],
    ["cut", "no ranges"],
]


@pytest.mark.parametrize("faults", FAULTS, ids=lambda faults: "+".join(faults) or "none")
def test_mirror(small, server, monkeypatch, capsys, faults):
    server.files["archive"] = small.archive
    server.faults["archive"] = list(faults)
    monkeypatch.setenv("COURSE_MIRROR", server.url("archive"))
    assert_all(data.load_cifar10("mirror"), small)
    assert f"CIFAR-10 from {server.url('archive')}" in capsys.readouterr().out
    assert_all(data.load_cifar10("cache"), small)
    assert not list(data.cache_folder().glob("downloads/*"))
    if faults[0:1] == ["cut"]:
        assert server.asked[1][1].startswith("bytes=")  # went on where it was cut


@pytest.mark.parametrize("faults", FAULTS, ids=lambda faults: "+".join(faults) or "none")
def test_parquet(small, server, monkeypatch, capsys, faults):
    monkeypatch.setattr(data, "PARQUET_URL", server.url("{part}"))
    server.files["test"] = small.parquet("test")
    shuffled = [f"data_batch_{number}" for number in (4, 3, 2, 5, 1)]
    server.files["train"] = small.parquet("train", shuffled)
    server.faults["test"] = list(faults)
    x_test, y_test, kind = data.load_test()
    assert kind == "cifar10"
    assert same((x_test, y_test), small, "test")
    assert not any(path == "train" for path, _ in server.asked)  # the test half alone
    assert "Hugging Face" in capsys.readouterr().out
    assert_all(data.load_cifar10(), small)  # blocks in another order come back in order
    server.asked.clear()
    assert_all(data.load_cifar10(), small)
    assert not server.asked
    assert "stored on this computer" in capsys.readouterr().out


def test_wrong_content_twice_is_refused(small, server, monkeypatch):
    server.files["archive"] = small.archive[:-9] + b"123456789"
    monkeypatch.setenv("COURSE_MIRROR", server.url("archive"))
    with pytest.raises(data.DataError, match="damaged, twice"):
        data.load_cifar10("mirror")
    assert not list(data.cache_folder().rglob("*.npz"))


def test_right_file_of_another_data_set_is_refused(small, server, monkeypatch):
    pixels, labels = small.parts["test"]
    server.files["test"] = as_parquet(pixels[::-1], labels)
    monkeypatch.setattr(data, "PARQUET_URL", server.url("{part}"))
    with pytest.raises(data.DataError, match="damaged, twice"):
        data._SOURCES["parquet"](("test",), None)


def test_a_server_that_stops_for_good(small, server, monkeypatch):
    server.files["archive"] = small.archive
    server.faults["archive"] = ["cut", *["503"] * 5]
    monkeypatch.setenv("COURSE_MIRROR", server.url("archive"))
    with pytest.raises(data.DataError, match="503"):
        data.load_cifar10("mirror")
    part = data.cache_folder() / "downloads" / "cifar-10-python.tar.gz.part"
    assert 0 < part.stat().st_size < len(small.archive)
    assert not list(data.cache_folder().glob("*.npz"))
    server.faults.clear()
    assert_all(data.load_cifar10("mirror"), small)  # and goes on another day
    assert server.asked[-1][1] == f"bytes={len(small.archive) // 2}-"


def test_a_missing_file_is_said_at_once(server, monkeypatch):
    monkeypatch.setenv("COURSE_MIRROR", server.url("nothing"))
    with pytest.raises(data.DataError, match="404"):
        data.load_cifar10("mirror")
    assert len(server.asked) == 1


def test_auto_goes_on_to_the_next_source(small, server, monkeypatch, capsys):
    server.files["archive"] = small.archive
    monkeypatch.setattr(data, "PARQUET_URL", server.url("missing-{part}"))
    monkeypatch.setattr(data, "ARCHIVE_URL", server.url("archive"))
    assert_all(data.load_cifar10(), small)
    said = capsys.readouterr().out
    assert "'parquet' did not work: the server answered 404" in said
    assert "CIFAR-10 from" in said


def test_a_hopeless_speed_is_given_up(tmp_path, server):
    server.files["slow"] = bytes(5_000_000)
    original = Handler.do_GET

    def trickle(self):
        self.send_response(200)
        self.send_header("Content-Length", "5000000")
        self.end_headers()
        with contextlib.suppress(OSError):
            for _ in range(40):
                self.wfile.write(bytes(300_000 // 40))
                self.wfile.flush()
                time.sleep(0.1)

    Handler.do_GET = trickle
    try:
        with pytest.raises(download.DownloadError, match="too slow"):
            download.download(server.url("slow"), tmp_path / "file", "slow", patience=1)
    finally:
        Handler.do_GET = original


def test_a_trickle_without_end_is_given_up(tmp_path, server, monkeypatch):
    """A byte now and then never stalls the connection, and must not hang the course."""

    def trickle(self):
        self.send_response(200)
        self.end_headers()
        with contextlib.suppress(OSError):
            while not self.server.stop.wait(0.1):
                self.wfile.write(b"x")
                self.wfile.flush()

    monkeypatch.setattr(Handler, "do_GET", trickle)
    with pytest.raises(download.DownloadError, match="too slow"):
        download.download(server.url("endless"), tmp_path / "file", "endless", patience=1)


def test_answers_that_are_no_http_are_said_in_words(tmp_path, monkeypatch):
    listener = socket.create_server(("127.0.0.1", 0))

    def babble():
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                connection.sendall(b"hello\r\n")
                connection.close()

    threading.Thread(target=babble, daemon=True).start()
    url = f"http://127.0.0.1:{listener.getsockname()[1]}/x"
    with pytest.raises(download.DownloadError, match="no connection"):
        download.download(url, tmp_path / "file", "babble")
    listener.close()


@pytest.mark.parametrize("address", ["no-scheme/file", "http://h:port/x", "http://.example/x"])
def test_an_address_that_is_none(monkeypatch, capfd, address):
    monkeypatch.setenv("COURSE_MIRROR", address)
    assert download.reachable([address], 1) == set()
    with pytest.raises(data.DataError, match="no connection"):
        data.load_cifar10("mirror")
    assert capfd.readouterr().err == ""


def test_two_notebooks_that_start_together(small, server, monkeypatch):
    server.files["archive"] = small.archive
    monkeypatch.setenv("COURSE_MIRROR", server.url("archive"))
    part = data.cache_folder() / "downloads" / "cifar-10-python.tar.gz.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(b"the other one is writing")

    def other():
        time.sleep(0.5)
        for name, arrays in small.parts.items():
            data._store(name, arrays)
        part.unlink()

    threading.Thread(target=other).start()
    assert_all(data.load_cifar10("mirror"), small)
    assert not server.asked  # it took what the other one had brought


def test_a_store_of_another_user_is_left_alone(small, monkeypatch, server, capsys):
    server.files["archive"] = small.archive
    monkeypatch.setenv("COURSE_MIRROR", server.url("archive"))
    data.load_cifar10("mirror")
    stored = data.cache_folder() / "cifar10-test.npz"
    assert stored.stat().st_mode & 0o044 == 0o044

    def forbidden(*_):
        raise PermissionError(13, "not yours")

    monkeypatch.setattr(np, "load", forbidden)
    assert_all(data.load_cifar10(), small)
    assert stored.exists()
    assert "put aside" not in capsys.readouterr().out


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04 half a file", None])
def test_a_damaged_store_is_put_aside_and_replaced(small, server, monkeypatch, capsys, damage):
    server.files["archive"] = small.archive
    monkeypatch.setenv("COURSE_MIRROR", server.url("archive"))
    data.load_cifar10("mirror")
    stored = data.cache_folder() / "cifar10-test.npz"
    if damage is None:  # a whole file with one other pixel
        pixels, labels = small.parts["test"]
        np.savez(stored, x=pixels ^ 1, y=labels)
    else:
        stored.write_bytes(damage)
    assert_all(data.load_cifar10(), small)
    assert "put aside" in capsys.readouterr().out
    assert (data.cache_folder() / "cifar10-test.damaged").exists()
    assert_all(data.load_cifar10("cache"), small)


def test_a_store_that_cannot_be_written_costs_nothing_but_time(monkeypatch, tmp_path):
    (tmp_path / "cache").write_text("a file where the folder should be")
    assert data.load_test("practice")[0].shape == (2000, 32, 32, 3)


# --- the real thing --------------------------------------------------------------------------


@pytest.mark.real_data
def test_real_folder_and_real_parquet(cifar, server, monkeypatch):
    monkeypatch.setenv("COURSE_DATA", str(cifar))
    pictures = data.load_cifar10()
    assert pictures.x_train.shape == (50000, 32, 32, 3)
    assert pictures.x_test.shape == (10000, 32, 32, 3)
    assert pictures.y_train[:6].tolist() == [6, 9, 9, 4, 1, 1]
    assert pictures.y_test[:6].tolist() == [3, 8, 8, 0, 6, 6]
    for part, arrays in (("train", pictures[0:2]), ("test", pictures[2:4])):
        assert all(
            np.array_equal(a, b) for a, b in zip(data._in_order(arrays, part), arrays, strict=True)
        )
    monkeypatch.delenv("COURSE_DATA")
    server.files["test"] = as_parquet(*pictures[2:4])
    server.faults["test"] = ["cut"]
    monkeypatch.setattr(data, "PARQUET_URL", server.url("{part}"))
    x_test, y_test, kind = data.load_test()
    assert kind == "cifar10"
    assert np.array_equal(x_test, pictures.x_test)
    assert np.array_equal(y_test, pictures.y_test)

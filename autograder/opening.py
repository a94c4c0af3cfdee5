"""Every file of a folder, also those in zip files, which are never unpacked to disk."""

from __future__ import annotations

import contextlib
import io
import os
import re
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

MOST = 200_000_000  # bytes of one file that are read
MOST_IN_ZIP = 2_000_000_000  # bytes that one zip file may unfold to
MOST_FILES = 20_000  # in one zip file
_HARMLESS = 20_000_000  # bytes; smaller files may shrink as much as they like
_STEEPEST = 100  # a file that a zip file makes smaller than this fraction is a zip bomb
_BROKEN = (
    *(zipfile.BadZipFile, zlib.error, EOFError, OSError),
    *(RuntimeError, NotImplementedError, ValueError),
)


@dataclass
class File:
    path: tuple[str, ...]  # from the teacher's folder on; zip files count as folders
    content: bytes | None = None  # None if it is no notebook
    modified: float = 0.0
    reason: str = ""
    stage: str | None = None
    owner: Any = None  # an owners.Owner, once it is known
    folders: tuple[str, ...] = ()  # those of its path that can be a name
    names: str = ""  # what is left of its own name without the stage

    @property
    def origin(self) -> str:
        return "/".join(self.path)

    @property
    def counts(self) -> bool:
        return self.content is not None or bool(self.reason)

    @property
    def rank(self) -> tuple:
        """Of several notebooks, the one with the highest rank is graded."""
        again = re.search(r"(?:\((\d+)\)|-(?:copy)?(\d{1,2}))(?: - .*)?\.", self.path[-1], re.I)
        number = int(again[1] or again[2]) if again else 0
        return (not self.reason, number, self.modified, self.path)


def walk(folder: Path) -> Iterator[File]:
    todo: list[tuple[tuple[str, ...], Path]] = [((), folder)]
    while todo:
        parts, place = todo.pop()
        try:
            entries = sorted(os.scandir(place), key=lambda entry: entry.name)
        except OSError as error:
            if not parts:
                raise
            yield File((*parts, ""), reason=f"{parts[-1]} cannot be opened: {error.strerror}")
            continue
        if not entries:
            yield File((*parts, ""))  # a student's folder, but nothing in it
        for entry in entries:
            path = (*parts, _readable(entry.name))
            if _is_junk(entry.name):
                continue
            if entry.is_symlink():
                reason = f"{path[-1]} is a link; put the file itself in its place"
                yield File(path, reason=reason)
            elif entry.is_dir():
                todo.append((path, Path(entry.path)))
            elif entry.is_file():  # not a pipe or a device
                yield from _on_disk(Path(entry.path), path)


def _readable(name: str) -> str:
    """A name that can be printed, and is the same on all systems."""
    return unicodedata.normalize("NFC", os.fsencode(name).decode("utf-8", "replace"))


def _is_junk(name: str) -> bool:
    """Whether a system or a notebook server put it there, not the student."""
    return name.startswith((".", "~$")) or name in ("__MACOSX", "__pycache__", "workspace")


def _on_disk(file: Path, path: tuple[str, ...]) -> list[File]:
    try:
        if path[-1].lower().endswith(".zip"):
            return _unpack(file, path, _Room(MOST_IN_ZIP, MOST_FILES))
        known = file.stat()
        return [_look(path, known.st_size, known.st_mtime, file.read_bytes)]
    except OSError as error:
        return [File(path, reason=f"{path[-1]} cannot be read: {error.strerror}")]


def _look(
    path: tuple[str, ...], size: int, modified: float, read: Callable[[], bytes], reason: str = ""
) -> File:
    """Read a file if it can be a notebook; `reason` says why it must not be read."""
    name = path[-1].lower()
    if "." in name and ".ipynb" not in name and not name.endswith((".json", ".txt")):
        return File(path)
    if size > MOST:
        large = f"{path[-1]} is larger than 200 MB (it has {size / 1e6:.0f})"
        reason = f"{large}; ask for it again with its outputs cleared"
    if reason:
        return File(path, None, modified, reason if ".ipynb" in name else "")
    content = read()
    is_notebook = content[:100].lstrip(b"\xef\xbb\xbf\r\n\t ").startswith(b"{")
    if name.endswith(".ipynb") or (is_notebook and b'"nbformat"' in content):
        return File(path, content, modified)
    return File(path)


@dataclass
class _Room:
    """What a zip file may still unfold to, together with the zip files in it."""

    size: int
    files: int


def _unpack(
    source: Path | io.BytesIO, path: tuple[str, ...], room: _Room, nested: bool = False
) -> list[File]:
    try:
        with zipfile.ZipFile(source) as archive:
            members = archive.infolist()
            room.files -= len(members)
            if any(member.flag_bits & 1 for member in members):
                reason = f"{path[-1]} is locked with a password; put its unpacked files here"
            elif room.files < 0:
                reason = f"{path[-1]} holds too many files; put the notebook itself here"
            else:
                found = (_from_zip(archive, member, path, room, nested) for member in members)
                return [file for files in found for file in files]
    except _BROKEN:
        reason = f"{path[-1]} is damaged and cannot be unpacked; ask for it again"
    return [File(path, reason=reason)]


def _from_zip(
    archive: zipfile.ZipFile,
    member: zipfile.ZipInfo,
    path: tuple[str, ...],
    room: _Room,
    nested: bool,
) -> list[File]:
    inside = _parts(member)
    if not inside or any(map(_is_junk, inside)):
        return []
    path = (*path, *inside)
    if member.is_dir():
        return [File((*path, ""))]

    def read() -> bytes:
        room.size -= member.file_size
        with archive.open(member) as stream:
            return stream.read(member.file_size + 1)  # never more, whatever unfolds

    reason, size = "", member.file_size
    if size > _HARMLESS and size > _STEEPEST * member.compress_size:
        reason = f"{path[-1]} grows to {size / 1e6:.0f} MB when it is unpacked; look at it yourself"
    elif size > room.size:
        reason = f"{path[-1]} does not fit: the zip file around it is too large; unpack it yourself"
    elif member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        reason = f"{path[-1]} is packed in an unusual way; put its unpacked file here"
    try:
        if not path[-1].lower().endswith(".zip"):
            return [_look(path, size, time_of(member.date_time), read, reason)]
        if nested:
            return [File(path)]
        if size > MOST:
            reason = f"{path[-1]} has {size / 1e6:.0f} MB; put its unpacked files here"
        if reason:
            return [File(path, reason=reason)]
        return _unpack(io.BytesIO(read()), path, room, nested=True)
    except _BROKEN:
        return [File(path, reason=f"{path[-1]} is damaged; ask for it again")]


def _parts(member: zipfile.ZipInfo) -> list[str]:
    """A name in a zip file as parts of a path that can lead nowhere else."""
    name = member.filename
    if not member.flag_bits & 0x800:  # not marked as UTF-8, but macOS writes it nevertheless
        with contextlib.suppress(UnicodeError):
            name = name.encode("cp437").decode("utf-8")
    parts = re.split(r"[\\/]+", re.sub(r"^[A-Za-z]:", "", name))
    return [_readable(part) for part in parts if part not in ("", ".", "..")]


def time_of(date: tuple[int, ...]) -> float:
    try:
        return datetime(*date).timestamp() if date[0] > 1980 else 0.0
    except (ValueError, OverflowError, OSError):
        return 0.0

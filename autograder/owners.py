"""Whose a file is: how platforms name students, and what folders and file names say."""

from __future__ import annotations

import hashlib
import re
import time
import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from autograder.opening import File, time_of

# How the platforms write a student's name and number: Moodle on folders or files, Canvas (also
# when it hides the names) and Blackboard (in English and Dutch) on files.
_PLATFORMS = (
    ("moodle", r"(?P<name>[^_]+)(?:_(?P<number>\d+))?_assignsubmission_[a-z]+(?:_.*)?"),
    ("", r"(?:LATE_)?(?P<name>anon_[0-9A-Za-z]+)_\d+_.+\..+"),
    ("canvas", r"(?P<name>\w+?)_(?:LATE_)?(?P<number>\d+)_(?:\d+_.+\..+|(?:text|link)\.html)"),
    (
        "blackboard",
        r".+_(?P<name>[^_]+)_(?:attempt|poging)_(?P<when>\d{4}(?:-\d\d){5})(?:_.+)?\..+",
    ),
    ("", r"(?P<name>[^\W\d][^_]*)_(?P<number>\d{3,})_.+\..+"),  # surname_12345_...
)
_DRIVE = r"-\d{8}T\d{6}Z(?:-\d+)+"  # in the name of what Google Drive packs
_COPIES = (
    r"(?:^|(?<=[ _-]))(?:copy of|kopie von|copie de|copia de|copia di|kopia) "
    r"| ?\(\d+\)|-copy\d*| - (?:copy|kopie)(?! (?:of|von))|-\d{1,2}$"
)
_ENDINGS = r"(?:\.(?:ipynb|zip|json|txt|pdf|docx|html?))+$"
_NOBODY = re.compile(  # words that are no part of a name
    r"stage|assignments?|attempt|copy|draft|final|first|homework|last|my|new|notebooks?|old|second"
    r"|solutions?|solved|submissions?|submitted|task|test|the|try|untitled|version|work|v?\d{0,2}"
)
_MOST_BYTES = 180  # of an id: a file's name has at most 255, and more than an id is in it
_NO_WORK = (".html", ".htm", ".csv", ".png", ".jpg", ".md")  # as a loose file nobody's


@dataclass(frozen=True)
class Owner:
    name: str
    platform: str = ""
    number: str = ""  # what the platform calls the student
    place: tuple[str, ...] = ()  # the folders around the one that bears the name
    # A sentence for the teacher, if the name may be another student's word.
    doubt: str = field(default="", compare=False)

    @property
    def key(self) -> tuple:
        return (self.platform, self.number, () if self.number else self.place, self.name.casefold())


def student_id(name: str) -> str:
    """Return an id that can be a folder's name on Linux, macOS and Windows.

    Parameters
    ----------
    name : str
        The student's name, in any script.

    Returns
    -------
    str
        At most 60 characters; always the same for the same name. Other names may give the
        same id, as ``"Ada Lovelace"`` and ``"Ada_Lovelace"`` do.
    """
    name = unicodedata.normalize("NFC", name)
    kept = "".join(c if c.isalnum() or unicodedata.category(c)[0] == "M" else "_" for c in name)
    kept = re.sub("_+", "_", kept).strip("_")
    if re.fullmatch(r"con|prn|aux|nul|(?:com|lpt)[0-9¹²³]", kept, re.I):
        return f"{kept}_"  # Windows keeps these names for devices
    if not kept:
        return f"student_{digest(name)}"
    if len(kept) <= 60 and len(kept.encode()) <= _MOST_BYTES:
        return kept
    start = kept[:51].encode()[: _MOST_BYTES - 9].decode(errors="ignore")
    return f"{start}_{digest(name)}"


def unknown_id(content: bytes | str) -> str:
    """Return the id of work that bears nobody's name."""
    return f"unknown_{digest(content)}"


def digest(what: str | bytes) -> str:
    what = what.encode("utf-8", "replace") if isinstance(what, str) else what
    return hashlib.sha256(what).hexdigest()[:8]


def _platform_owner(file: File) -> tuple[Owner, int] | None:
    """Whose a file is by a platform's way of naming, and the place in its path that says so."""
    for place, part in enumerate(file.path):
        for platform, pattern in _PLATFORMS:
            found = re.fullmatch(pattern, part)
            if not found or not _is_name(found["name"]):
                continue
            said = {"number": "", "when": "", **found.groupdict("")}
            if said["when"]:
                when = time_of(tuple(map(int, said["when"].split("-"))))
                file.modified = when if 0 < when < time.time() else file.modified
            name, number = said["name"], said["number"]
            if platform == "moodle":  # the anonymous are "Participant_12345" there
                number = number or "".join(re.findall(r" (\d+)$", name))
                name = f"Participant {number}" if name == "Participant" else name
            return Owner(name, platform, number), place
    return None


def _named_within(files: list[File], title: re.Pattern) -> set[tuple[str, ...]]:
    """The folders in which names of a platform count: not those that are one student's own.

    Else a student could put work of another's name into the own folder.
    """
    inside: dict[tuple[str, ...], list[Owner | None]] = defaultdict(list)
    for file in files:
        found = _platform_owner(file)
        owner, place = found or (None, len(file.path) - 1)
        if found or file.content is not None:
            for end in range(place + 1):
                inside[file.path[:end]].append(owner)
    return {
        folder
        for folder, owners in inside.items()
        if not folder
        or not _name_in_folder(folder[-1], title)  # it says only a stage, or nothing
        or (None not in owners and (len(set(owners)) > 1 or owners == inside[()]))
    }


def find_owners(files: list[File], stages: Iterable[str]) -> None:
    """Say whose each file is: by a platform's way of naming, else by folders and names."""
    titles = [r"[\s_-]+".join(map(re.escape, s.split("_")[2:])) for s in stages]
    titles = "|".join(filter(None, titles))
    title = re.compile(rf"stage[\s_-]*\d+(?:[\s_-]*(?:{titles}))?|{titles}", re.I)
    plain, zips = [], set()
    open_folders = _named_within(files, title)
    for file in files:
        owner, place = _platform_owner(file) or (None, 0)
        if all(file.path[:end] in open_folders for end in range(place + 1)):
            file.owner = owner
        if file.owner is None:
            plain.append(file)
            file.names = _name_in_file(file.path[-1], title)
            named = [(part, _name_in_folder(part, title)) for part in file.path[:-1]]
            file.folders = tuple(name for _, name in named if name)
            zips |= {name for part, name in named if part.lower().endswith(".zip")}
    notebooks = [file for file in plain if file.content is not None]
    shared = _shared([file for file in plain if file.folders or file.content is not None])
    for file in plain:
        if file.folders[: len(shared)] == shared:
            file.folders = file.folders[len(shared) :]
    by_folder = defaultdict(list)
    for file in notebooks:
        by_folder[file.folders[:1]].append(file)
    classes = {
        folder for folder, inside in by_folder.items() if folder and _is_class(inside, title)
    }
    alone = [file.folders[:1] for file in notebooks if file.folders[:1] not in classes]
    for file in plain:
        first, second = file.folders[:1], file.folders[1:2] or (file.names,)
        if first in classes and second[0]:  # its name keeps students of the same name apart
            name = second if first[0] in zips else first + second
            holder = next(part for part in file.path if _name_in_folder(part, title) == first[0])
            doubt = (
                f"This lies in {holder}, beside what other students handed in. If {holder} is one "
                "student's own, give that student the grade."
            )
            file.owner = Owner(" ".join(name), place=first, doubt=doubt if alone else "")
        elif first and first not in classes:
            file.owner = Owner(first[0])
        elif file.names and (file.counts or _is_handed_in(file, title)):
            file.owner = Owner(file.names)


def _shared(files: list[File]) -> tuple[str, ...]:
    """The folders around the whole class, which say nothing of a student."""
    shared: tuple[str, ...] = ()
    for names in zip(*(file.folders for file in files), strict=False):
        if len(set(names)) > 1:
            break
        shared += names[:1]
    inside = [file for file in files if file.folders == shared and file.content is not None]
    is_class = (
        all(file.names for file in inside)
        if inside
        else any(len(file.folders) > len(shared) for file in files)
    )
    return shared if is_class else shared[:-1]  # else the last is the only student's


def _is_class(files: list[File], title: re.Pattern) -> bool:
    """Whether a folder that looks like a student's holds several students' work."""
    direct = [file for file in files if len(file.folders) == 1]
    pairs = {(f.stage, f.names) for f in direct if f.names and title.search(f.path[-1])}
    if not direct:
        pairs = {(file.stage, file.folders[1]) for file in files}
    return len(pairs) > len({stage for stage, _ in pairs})


def _is_handed_in(file: File, title: re.Pattern) -> bool:
    """Whether a loose file that is no notebook was meant as one, such as a PDF of it."""
    return bool(title.search(file.path[-1])) and not file.path[-1].lower().endswith(_NO_WORK)


def _name_in_folder(folder: str, title: re.Pattern) -> str:
    """A folder's name; nothing if it names only a stage or says what anybody's would."""
    name = re.sub(_DRIVE, "", re.sub(r"\.zip$", "", folder, flags=re.I))
    if folder != name:  # it is a zip file, which may have been downloaded twice
        name = re.sub(_COPIES, "", name, flags=re.I)
    name = " ".join(title.sub(" ", name).split()).strip(" _-\u2013\u2014")
    words = list(filter(None, re.split(r"[\W_]+", name)))
    # A folder "01" may well be a student's; one "Assignment 01" is not.
    return name if any(map(_is_name, words)) or all(map(str.isdigit, words)) else ""


def _name_in_file(name: str, title: re.Pattern) -> str:
    """What a file's name says besides the stage, without the words of no name."""
    name = re.sub(_COPIES, " ", re.sub(_ENDINGS, "", name, flags=re.I), flags=re.I)
    words = re.split(r"[\s_]+", title.sub(" ", name))
    return " ".join(word for word in words if _is_name(word)).strip(" -\u2013\u2014.,")


def _is_name(word: str) -> bool:
    return not _NOBODY.fullmatch(re.sub(r"\W", "", word.lower()))

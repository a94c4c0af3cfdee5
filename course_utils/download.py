"""Download one file to disk: with progress, with resume, and never without an end."""

from __future__ import annotations

import contextlib
import http.client
import socket
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

STALL = 15  # seconds without a byte after which a connection counts as dead
TRIES = 3  # connections in a row that bring nothing
_CHUNK = 1 << 18


class DownloadError(Exception):
    """A source that cannot be used, with the reason in words."""


def reachable(urls: Sequence[str], seconds: float = 4) -> set[str]:
    """Return those addresses whose host accepts a connection within a few seconds.

    Asks all hosts at once, in threads of their own, because looking up a name can block for
    much longer than any time-out that can be set on it. Where a proxy is set, it is asked.
    """
    answered: set[str] = set()

    def knock(url: str) -> None:
        with contextlib.suppress(OSError, ValueError):
            parts = urlsplit(url)
            proxy = urllib.request.getproxies().get(parts.scheme)
            if proxy and not urllib.request.proxy_bypass(parts.hostname):
                parts = urlsplit(proxy)
            port = parts.port or (443 if parts.scheme == "https" else 80)
            if parts.hostname:
                socket.create_connection((parts.hostname, port), timeout=seconds).close()
                answered.add(url)

    threads = [threading.Thread(target=knock, args=(url,), daemon=True) for url in urls]
    for thread in threads:
        thread.start()
    end = time.monotonic() + seconds
    for thread in threads:
        thread.join(max(0, end - time.monotonic()))
    return set(answered)


def wait_for_another(target: Path) -> bool:
    """Wait while another process downloads the same file; return whether there was one.

    Two notebooks that start together would write into each other's ``.part`` file. Whoever
    writes to it does so every few moments.
    """
    part, waited = _part_of(target), False
    # The other process renames the file when it is complete, so it can vanish at any moment.
    with contextlib.suppress(OSError):
        while time.time() - part.stat().st_mtime < 3:
            waited = True
            time.sleep(0.5)
    return waited


def _part_of(target: Path) -> Path:
    return target.with_name(target.name + ".part")


def download(url: str, target: Path, label: str, patience: float | None = None) -> Path:
    """Download a file, going on where an earlier try stopped.

    Parameters
    ----------
    url : str
    target : Path
        Appears only when all bytes are there. Until then they wait in ``<target>.part``.
    label : str
        Stands before the progress bar.
    patience : float, optional
        Give up when, after some seconds, more than this many seconds would still be needed, or
        have passed if the server does not say how much there is.

    Returns
    -------
    Path
        ``target``.

    Raises
    ------
    DownloadError
        If the server refuses, stops for good or is too slow.
    """
    part = _part_of(target)
    try:
        part.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DownloadError(f"no file can be stored in {part.parent}") from error
    barren = 0
    while True:
        before = _size(part)
        try:
            if _fetch(url, part, label, patience):
                part.replace(target)
                return target
            reason = "the connection was cut"
        except urllib.error.HTTPError as error:
            if error.code == 416:  # nothing lies beyond what we have: start again
                part.unlink(missing_ok=True)
            reason = f"the server answered {error.code} {error.reason}"
            if error.code in (401, 403, 404, 410):
                raise DownloadError(reason) from error
        except (OSError, http.client.HTTPException, ValueError) as error:
            stopped = isinstance(error, TimeoutError) or "timed out" in str(error)
            reason = "the server stopped sending" if stopped else f"no connection ({error})"
        barren = 0 if _size(part) > before else barren + 1
        if barren >= TRIES:
            raise DownloadError(reason)
        time.sleep(0.3 * barren)


def _fetch(url: str, part: Path, label: str, patience: float | None) -> bool:
    """Ask for the rest of a file once; return whether the file is complete now."""
    have = _size(part)
    request = urllib.request.Request(url, headers={"User-Agent": "course-utils"})
    if have:
        request.add_header("Range", f"bytes={have}-")
    with urllib.request.urlopen(request, timeout=STALL) as answer:
        if answer.status != 206:
            have = 0  # the server sends the whole file again
        length = answer.headers.get("Content-Length")
        total = have + int(length) if length else None
        started, got = time.monotonic(), 0
        with part.open("ab" if have else "wb") as file, _progress(label, total, have) as bar:
            while block := answer.read1(_CHUNK):
                file.write(block)
                got += len(block)
                bar.update(len(block))
                passed = time.monotonic() - started
                if patience and passed > min(20, patience):
                    left = (total - have - got) * passed / got if total else passed
                    if left > patience:
                        minutes = round(left / 60)
                        raise DownloadError(f"too slow: about {minutes} more minutes")
    return total is None or _size(part) == total


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _progress(label: str, total: int | None, have: int) -> Any:
    """A progress bar in the printed text: one in a widget would be lost with the kernel."""
    from tqdm import tqdm

    return tqdm(
        desc=label,
        total=total,
        initial=have,
        unit="B",
        unit_scale=True,
        file=sys.stdout,
        ncols=80,
        mininterval=0.5,
    )

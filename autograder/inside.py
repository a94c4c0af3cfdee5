"""What runs inside the sandbox: a warm process from which each kernel is forked.

It has loaded the libraries and the pictures once. For each submission it forks; the child
becomes a real Jupyter kernel in its own namespaces, with its own scratch folder of limited
size, and everything it started ends with it. This file is laid into the sandbox alone, beside
``course_utils``; nothing of the grader is there to be read.

It is told what to do by lines of JSON on its standard input, and answers in the same way.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import json
import os
import resource
import signal
import sys
import time
from pathlib import Path
from typing import Any

# From the headers of Linux: sched.h, mount.h, prctl.h.
_NEW_MOUNTS, _NEW_IPC, _NEW_USER, _NEW_PIDS = 0x20000, 0x8000000, 0x10000000, 0x20000000
_READ_ONLY, _NO_SUID, _NO_DEV, _REMOUNT, _BIND, _REC, _PRIVATE = 1, 2, 4, 32, 4096, 1 << 14, 1 << 18
_SET_DUMPABLE, _SET_NO_NEW_PRIVS, _SET_CHILD_SUBREAPER = 4, 38, 36
_libc = ctypes.CDLL(None, use_errno=True)


def main() -> None:
    """Answer until the standard input ends."""
    setting = json.loads(sys.stdin.readline())
    # What a student prints may not be taken for an answer, nor read what is asked.
    answers = os.fdopen(os.dup(1), "w")
    questions = os.fdopen(os.dup(0), "r")
    os.dup2(os.open(os.devnull, os.O_RDWR), 0)
    os.dup2(2, 1)
    _prctl(_SET_DUMPABLE, 0)  # no child can look into this process
    _warm_up(setting)
    answers.write(json.dumps({"ready": True, "apart": _can_set_apart()}) + "\n")
    answers.flush()
    for line in iter(questions.readline, ""):
        asked = json.loads(line)
        answers.write(json.dumps(_answer(asked, setting, (answers, questions))) + "\n")
        answers.flush()


def _answer(asked: dict[str, Any], setting: dict[str, Any], private: tuple) -> dict[str, Any]:
    if "start" in asked:
        return {"keeper": _start(asked["start"], setting, private)}
    with contextlib.suppress(ProcessLookupError):
        if "interrupt" in asked:
            os.kill(asked["interrupt"], signal.SIGINT)
            return {}
        if "stop" in asked:
            os.kill(asked["stop"], signal.SIGTERM)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(asked["stop"], 0)
            return {}
    try:
        pid, status = os.waitpid(asked["alive"], os.WNOHANG)
    except ChildProcessError:
        return {"alive": False}
    return {"alive": pid == 0, "status": status}


def _warm_up(setting: dict[str, Any]) -> None:
    """Load what nearly every notebook needs; the children share its memory."""

    from course_utils import data

    if setting["parts"]:
        data.hold(setting["source"], tuple(setting["parts"]))
    for name in setting["modules"]:
        __import__(name)
    gc.collect()
    gc.freeze()  # a collection in a child would touch, and so copy, all that is shared


def _can_set_apart() -> bool:
    """Whether this system lets us put each child into namespaces of its own."""
    if not sys.platform.startswith("linux"):
        return False
    child = os.fork()
    if child == 0:
        try:
            _new_namespaces()
            os._exit(0)
        except OSError:
            os._exit(1)
    return os.waitpid(child, 0)[1] == 0


# --- One submission ------------------------------------------------------------------------


def _start(asked: dict[str, Any], setting: dict[str, Any], private: tuple) -> int:
    """Fork the keeper of one kernel; return its number.

    The keeper is outside the child's namespaces, so nothing in there can reach it. When it is
    told to end, the kernel dies, and with it all that the kernel ever started.
    """
    keeper = os.fork()
    if keeper:
        return keeper
    try:
        for stream in private:
            stream.close()
        os.dup2(0, 1)
        _keep(asked, setting)
    finally:
        os._exit(1)


def _keep(asked: dict[str, Any], setting: dict[str, Any]) -> None:
    _prctl(_SET_CHILD_SUBREAPER, 1)
    apart = setting["apart"] and _can_set_apart()
    if apart:
        _new_namespaces()
    kernel = os.fork()
    if kernel == 0:
        try:
            _become_kernel(asked, setting, apart)
        finally:
            os._exit(1)

    def stop(*_: Any) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(kernel, signal.SIGKILL)

    def interrupt(*_: Any) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(kernel, signal.SIGINT)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, interrupt)
    _, status = os.waitpid(kernel, 0)
    if not apart:
        _end_all_children()
    os._exit(1 if status else 0)


def _end_all_children() -> None:
    """Without a namespace that ends with the kernel: what it started has become ours."""
    import psutil

    for _ in range(100):
        children = psutil.Process().children(recursive=True)
        if not children:
            return
        for child in children:
            with contextlib.suppress(psutil.NoSuchProcess):
                child.kill()
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        time.sleep(0.01)


def _become_kernel(asked: dict[str, Any], setting: dict[str, Any], apart: bool) -> None:
    os.setsid()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(
            number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL
        )
    scratch = Path(asked["scratch"])
    if apart:
        _mount("tmpfs", "/tmp", f"size={setting['disk']}")
        scratch.mkdir(parents=True, exist_ok=True)
    os.chdir(scratch)
    os.environ["HOME"] = os.environ["IPYTHONDIR"] = str(scratch)
    for name, content in asked["files"].items():
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(content, encoding="utf-8")
    _limit(setting)

    from ipykernel.kernelapp import IPKernelApp
    from traitlets.config import Config

    config = Config()
    config.HistoryManager.enabled = False
    config.Session.key = asked["key"].encode()
    # A socket of the file system: there is no network here, and none is needed.
    app = IPKernelApp.instance(
        config=config,
        transport="ipc",
        ip=asked["socket"],
        connection_file=str(scratch / ".connection.json"),
        **asked["ports"],
    )
    app.initialize([])
    if apart:  # the sockets are there; nothing more is to be written into their folder
        folder = str(Path(asked["socket"]).parent)
        flags = _REMOUNT | _BIND | _READ_ONLY | _NO_SUID | _NO_DEV
        _check(_libc.mount(None, folder.encode(), None, flags, None), f"remount {folder}")
        _drop_capabilities()
    _prctl(_SET_NO_NEW_PRIVS, 1)
    app.start()
    os._exit(0)


def _limit(setting: dict[str, Any]) -> None:
    """The limits that the operating system gives to one process."""
    limits = {
        "RLIMIT_CORE": 0,
        "RLIMIT_AS": setting["memory"] * 4,  # addresses, of which libraries reserve many
        "RLIMIT_FSIZE": setting["disk"],
        "RLIMIT_NPROC": setting["processes"],
        "RLIMIT_CPU": setting["seconds"],
        "RLIMIT_NOFILE": 1024,
    }
    for name, most in limits.items():
        kind = getattr(resource, name, None)  # macOS has not all of them
        if kind is None:
            continue
        with contextlib.suppress(ValueError, OSError):
            hard = resource.getrlimit(kind)[1]
            allowed = most if hard == resource.RLIM_INFINITY else min(most, hard)
            resource.setrlimit(kind, (allowed, allowed))


# --- Calls of the operating system that Python 3.11 has no name for -------------------------------


def _new_namespaces() -> None:
    user, group = os.getuid(), os.getgid()
    _check(_libc.unshare(_NEW_USER | _NEW_MOUNTS | _NEW_PIDS | _NEW_IPC), "unshare")
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
    Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
    _check(_libc.mount(None, b"/", None, _REC | _PRIVATE, None), "mount")


def _mount(kind: str, place: str, options: str) -> None:
    flags = _NO_SUID | _NO_DEV
    done = _libc.mount(kind.encode(), place.encode(), kind.encode(), flags, options.encode())
    _check(done, f"mount {place}")


def _drop_capabilities() -> None:
    """Give up what the new user namespace gave, so that no mount can be undone."""
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)  # version 3 of the interface; this process
    _check(_libc.capset(header, (ctypes.c_uint32 * 6)()), "capset")


def _prctl(option: int, value: int) -> None:
    if sys.platform.startswith("linux"):
        _libc.prctl(option, value, 0, 0, 0)


def _check(result: int, what: str) -> None:
    if result:
        raise OSError(ctypes.get_errno(), what)


if __name__ == "__main__":
    main()

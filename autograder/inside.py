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
import errno
import gc
import json
import os
import resource
import signal
import struct
import sys
from pathlib import Path
from typing import Any

# From the headers of Linux: sched.h, mount.h, prctl.h.
_NEW_MOUNTS, _NEW_IPC, _NEW_USER, _NEW_PIDS = 0x20000, 0x8000000, 0x10000000, 0x20000000
_READ_ONLY, _NO_SUID, _NO_DEV, _REMOUNT, _BIND, _REC, _PRIVATE = 1, 2, 4, 32, 4096, 1 << 14, 1 << 18
_SET_PARENT_DEATH_SIGNAL, _SET_DUMPABLE, _SET_SECCOMP = 1, 4, 22
_SET_CHILD_SUBREAPER, _SET_NO_NEW_PRIVS = 36, 38
_MOST_FILES = 20_000  # in a scratch folder
_SHARED = 64_000_000  # bytes of /dev/shm, where Python keeps locks between processes
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
    _prctl(_SET_CHILD_SUBREAPER, 1)  # none gets away from it
    _warm_up(setting)
    setting["apart"] = setting["apart"] and _can_set_apart()
    answers.write(json.dumps({"ready": True, "apart": setting["apart"]}) + "\n")
    answers.flush()
    for line in iter(questions.readline, ""):
        asked = json.loads(line)
        answers.write(json.dumps(_answer(asked, setting, (answers, questions))) + "\n")
        answers.flush()


def _answer(asked: dict[str, Any], setting: dict[str, Any], private: tuple) -> dict[str, Any]:
    if "start" in asked:
        _load(asked["start"]["modules"])
        return {"keeper": _start(asked["start"], setting, private)}
    if "alive" in asked:
        try:
            pid, status = os.waitpid(asked["alive"], os.WNOHANG)
        except ChildProcessError:
            return {"alive": False}
        return {"alive": pid == 0, "status": status}
    with contextlib.suppress(ProcessLookupError, ChildProcessError):
        if "interrupt" in asked:
            os.kill(asked["interrupt"], signal.SIGINT)
        if "stop" in asked:
            os.kill(asked["stop"], signal.SIGTERM)
            os.waitpid(asked["stop"], 0)
    return {}


def _warm_up(setting: dict[str, Any]) -> None:
    """Load what nearly every notebook needs; the children share its memory."""

    from course_utils import album, data, models

    if setting["parts"]:
        kind = data.hold(setting["source"], tuple(setting["parts"]))
    if "test" in setting["parts"]:
        _ = album.album_of(data.load_test(setting["source"])[0]).fingerprint
        for network in ("small", "baseline", "improved"):
            models.recorded_answers(kind, network)
    _load(setting["modules"])
    _draw()
    gc.freeze()


def _load(modules: list[str]) -> None:
    new = [name for name in modules if name not in sys.modules]
    for name in new:
        __import__(name)
    if new:
        gc.collect()
        gc.freeze()  # a collection in a child would touch, and so copy, all that is shared


def _draw() -> None:
    """Draw once: the first picture of a process takes far longer than the next."""
    import io

    from matplotlib.figure import Figure
    from PIL import Image

    Image.init()
    figure = Figure()
    figure.subplots().set_title("title")
    figure.savefig(io.BytesIO(), format="png", bbox_inches="tight")


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
    if setting["apart"]:
        _new_namespaces()
    kernel = os.fork()
    if kernel == 0:
        try:
            _become_kernel(asked, setting)
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
    _prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGTERM)
    _, status = os.waitpid(kernel, 0)
    if not setting["apart"]:
        _end_all_children()
    os._exit(1 if status else 0)


def _end_all_children() -> None:
    """Without a namespace that ends with the kernel: what it started has become ours."""
    import psutil

    stopped: set[psutil.Process] = set()
    while new := set(psutil.Process().children(recursive=True)) - stopped:
        for process in new:
            with contextlib.suppress(psutil.Error):
                process.suspend()  # so that it starts no more
        stopped |= new
    for process in stopped:
        with contextlib.suppress(psutil.Error):
            process.kill()


def _become_kernel(asked: dict[str, Any], setting: dict[str, Any]) -> None:
    os.setsid()
    os.dup2(0, 2)  # what goes there is the grader's to read, and without a limit
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(
            number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL
        )
    scratch = Path(asked["scratch"])
    if setting["apart"]:
        held = [(place, os.open(place, os.O_PATH)) for place in setting["kept"]]
        _mount("tmpfs", "/tmp", f"size={setting['disk']},nr_inodes={_MOST_FILES}")
        _put_back(held)
        _mount("tmpfs", "/dev/shm", f"size={_SHARED},nr_inodes=1000")
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
    _leave_out_a_drawing()
    if setting["apart"]:  # the sockets are there; nothing more is to be written into their folder
        folder = str(Path(asked["socket"]).parent)
        flags = _REMOUNT | _BIND | _READ_ONLY | _NO_SUID | _NO_DEV
        _check(_libc.mount(None, folder.encode(), None, flags, None), f"remount {folder}")
        _drop_capabilities()
    _prctl(_SET_NO_NEW_PRIVS, 1)
    _refuse_system_calls()
    app.start()
    os._exit(0)


def _leave_out_a_drawing() -> None:
    """Have each figure drawn when it is displayed, and not once more before that.

    After a cell pyplot brings the window of each open figure up to date. Here are no windows, and
    that drawing takes a third of the time of a typical submission.
    """
    from matplotlib import pyplot

    pyplot.switch_backend(os.environ["MPLBACKEND"])  # as the first figure does
    pyplot.uninstall_repl_displayhook()


def _limit(setting: dict[str, Any]) -> None:
    """The limits that the operating system gives to one process."""
    limits = {
        "RLIMIT_CORE": 0,
        "RLIMIT_AS": setting["memory"] * 4,  # addresses, of which libraries reserve many
        "RLIMIT_FSIZE": setting["disk"],
        "RLIMIT_CPU": setting["seconds"] * (os.cpu_count() or 1),  # all cores are counted
        "RLIMIT_NOFILE": 1024,
    }
    # It counts all that this user runs; in namespaces of its own that is the kernel alone. A few
    # more than allowed, so that the grader sees that there are too many, and says so.
    others = 0 if setting["apart"] else _threads_of(os.getuid())
    limits["RLIMIT_NPROC"] = others + setting["processes"] + 20
    for name, most in limits.items():
        kind = getattr(resource, name, None)  # macOS has not all of them
        if kind is None:
            continue
        with contextlib.suppress(ValueError, OSError):
            hard = resource.getrlimit(kind)[1]
            allowed = most if hard == resource.RLIM_INFINITY else min(most, hard)
            resource.setrlimit(kind, (allowed, allowed))


def _threads_of(user: int) -> int:
    import psutil

    count = 0
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            count += process.num_threads() if process.uids().real == user else 0
    return count


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


def _put_back(held: list[tuple[str, int]]) -> None:
    """Show again what Python needs, and what was hidden when something was mounted over it."""
    for place, number in held:
        source, target = Path(f"/proc/self/fd/{number}"), Path(place)
        if not target.exists():  # else it is a part of what is already back
            (target if source.is_dir() else target.parent).mkdir(parents=True, exist_ok=True)
            if not source.is_dir():
                target.touch()
            done = _libc.mount(bytes(source), bytes(target), None, _BIND | _REC, None)
            _check(done, f"bind {place}")
        os.close(number)


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


# --- System calls that no notebook needs ----------------------------------------------------------

# They make further namespaces and mounts, look into other processes, or take memory that belongs to
# no process and so is not counted. By name: the number on x86_64 and the number on aarch64.
_REFUSED = {
    "unshare": (272, 97),
    "setns": (308, 268),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsmount": (432, 432),
    "mount_setattr": (442, 442),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "shmget": (29, 194),
    "msgget": (68, 186),
    "mq_open": (240, 180),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "bpf": (321, 280),
    "userfaultfd": (323, 282),
    "perf_event_open": (298, 241),
    "io_uring_setup": (425, 425),
}
_CLONE, _CLONE3, _MMAP = (56, 220), (435, 435), (9, 222)
_ANY_NEW_NAMESPACE, _SHARED_AND_ANONYMOUS = 0x7E020080, 0x21
# From linux/audit.h: how the filter is told for which processor a call was made.
_PROCESSORS = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}


def _refuse_system_calls() -> None:
    """Have the kernel of the operating system refuse these calls, for good."""
    if not sys.platform.startswith("linux") or os.uname().machine not in _PROCESSORS:
        return
    column, processor = _PROCESSORS[os.uname().machine]
    load, equal, at_least, any_bit, both_bits, give = 0x20, 0x15, 0x35, 0x45, 0x54, 0x06
    number, of_processor, first, fourth = 0, 4, 16, 40  # places in struct seccomp_data
    allowed, refused = 0x7FFF0000, 0x00050000 | errno.EPERM
    program = [
        (load, 0, 0, of_processor),
        (equal, 1, 0, processor),
        (give, 0, 0, refused),
        (load, 0, 0, number),
        (at_least, 0, 1, 0x40000000),  # numbers of another kind, on x86_64
        (give, 0, 0, refused),
        # Its flags cannot be seen. A library that gets this answer takes clone instead.
        (equal, 0, 1, _CLONE3[column]),
        (give, 0, 0, 0x00050000 | errno.ENOSYS),
    ]
    for numbers in _REFUSED.values():
        program += [(equal, 0, 1, numbers[column]), (give, 0, 0, refused)]
    program += [
        (equal, 0, 4, _CLONE[column]),
        (load, 0, 0, first),
        (any_bit, 0, 1, _ANY_NEW_NAMESPACE),
        (give, 0, 0, refused),
        (give, 0, 0, allowed),
        (equal, 0, 4, _MMAP[column]),
        (load, 0, 0, fourth),
        (both_bits, 0, 0, _SHARED_AND_ANONYMOUS),
        (equal, 0, 1, _SHARED_AND_ANONYMOUS),
        (give, 0, 0, refused),
        (give, 0, 0, allowed),
    ]
    code = b"".join(struct.pack("HBBI", *step) for step in program)
    kept = ctypes.create_string_buffer(code)
    head = struct.pack("HP", len(program), ctypes.addressof(kept))
    filtered = 2
    done = _libc.prctl(_SET_SECCOMP, filtered, ctypes.create_string_buffer(head), 0, 0)
    _check(done, "seccomp")


if __name__ == "__main__":
    main()

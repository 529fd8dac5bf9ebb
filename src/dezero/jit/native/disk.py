"""Machine code on disk, so that the next process starts without compiling.

A file holds the code of one text: a digest, and the object file that LLVM made. It is named by a
hash of all that the code depends on, so it is never out of date. A file whose digest is not that of
its name and its code is broken, and made anew.

Whoever can write to these files decides what the process runs. So the folder and each file must
belong to the user of the process, and nobody else may write to them; the folders around must be
such that nobody else can put another one in its place. Where that is not so, or cannot be told (on
Windows), nothing is read and nothing is kept. The digest is no signature: its key would have to lie
where the user can read it, and whoever can write as the user needs no cache to do harm.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

FORMAT = b"DeZero 1"
"""What each file begins with; it changes with the layout of files."""

DIGEST = 32
HEADING = len(FORMAT) + DIGEST
"""Bytes that stand before code."""

LIMIT = 256 << 20
"""Bytes on disk, about: beyond it, what was not used for the longest time is removed."""

ROUND = 64
"""Files that are written, on average, between two looks at how much there is."""

BLOCK = 4096
"""What a file takes on disk is a multiple of this, as a rule."""

HOUR = 3600
"""Seconds: a use is noted once in that time; a file that is still half written then never ends."""

OURS = re.compile(r"[0-9a-f]{64}\.dezero(\.[0-9a-f]{16})?")
"""The names of files, with something after it while one is being written. No other is touched."""

STRICT = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
"""A file is opened only where it is itself, no link, and nothing that one has to wait for."""


def kept(text: str, make: Callable[[], bytes]) -> bytes:
    """The code of a text: from disk, or else made and put there.

    Parameters
    ----------
    text : str
        All that the code depends on.
    make : callable
        Makes it.
    """
    key = hashlib.blake2b(FORMAT + text.encode(), digest_size=DIGEST).hexdigest()
    code = read(key)
    if code is None:
        code = make()
        write(key, code)
    return code


def state() -> str:
    """Where code is kept, or why it is not."""
    try:
        with folder():
            return f"code is kept in {place()}"
    except OSError as why:
        return f"no code is kept on disk: {why}"


# ---------------------------------------------------------------------------- files


def read(key: str) -> bytes | None:
    """The code under a key; None if there is none that can be trusted."""
    with suppress(OSError), folder() as here, open(name(key), "rb", opener=within(here)) as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode) or not only_ours(status):
            return None
        content = file.read()
        head, code = content[:HEADING], content[HEADING:]
        if head != heading(key, code):
            return None
        if time.time() - status.st_mtime > HOUR:
            with suppress(OSError):  # a disk that cannot be written to
                os.utime(file.fileno())
        return code
    return None


def write(key: str, code: bytes) -> None:
    """Put code under a key, if that can be: all of it at once, or nothing."""
    part = f"{name(key)}.{os.urandom(8).hex()}"
    with suppress(OSError), folder() as here:
        try:
            with open(part, "xb", opener=within(here)) as file:
                file.write(heading(key, code) + code)
            os.replace(part, name(key), src_dir_fd=here, dst_dir_fd=here)
        except BaseException:  # also an interrupt
            with suppress(OSError):
                os.unlink(part, dir_fd=here)
            raise
        if int(key, 16) % ROUND == 0:  # a hash is as good as a throw of dice
            tidy(here)


def name(key: str) -> str:
    """The file's name for a key."""
    return f"{key}.dezero"


def heading(key: str, code: bytes) -> bytes:
    """What stands before code: the format, and a digest."""
    return FORMAT + hashlib.blake2b(code, digest_size=DIGEST, key=bytes.fromhex(key)).digest()


def within(folder: int) -> Callable[[str, int], int]:
    """What opens files of a folder, for `open`."""
    return lambda name, flags: os.open(name, flags | STRICT, 0o600, dir_fd=folder)


def tidy(folder: int) -> None:
    """Remove what is too much, the longest unused first, and what was never written to its end."""
    found = []
    with os.scandir(folder) as files:
        for file in files:
            with suppress(FileNotFoundError):  # another process has removed it
                if match := OURS.fullmatch(file.name):
                    status = file.stat(follow_symlinks=False)
                    found.append((status.st_mtime, status.st_size, file.name, bool(match[1])))
    total, old = 0, time.time() - HOUR
    for used, size, file_name, unfinished in sorted(found, reverse=True):
        total += -(-size // BLOCK) * BLOCK
        if total > LIMIT or (unfinished and used < old):
            with suppress(OSError):
                os.unlink(file_name, dir_fd=folder)


# ---------------------------------------------------------------------------- the folder


def place() -> str:
    """The folder's name.

    ``DEZERO_CACHE_DIR``, or else ``dezero`` where the system keeps such things.

    Raises
    ------
    OSError
        If there is to be none.
    """
    said = os.environ.get("DEZERO_CACHE_DIR")
    if said is None:
        caches = "~/Library/Caches" if sys.platform == "darwin" else "~/.cache"
        common = os.environ.get("XDG_CACHE_HOME", "")
        said = os.path.join(common if os.path.isabs(common) else caches, "dezero")
    path = os.path.expanduser(said)
    if not os.path.isabs(path):
        raise FileNotFoundError(f"its folder {said!r} is no absolute path")
    return path


@contextmanager
def folder() -> Iterator[int]:
    """The folder, open; it is made first if need be.

    It is looked up and looked at each time: it may be removed while a program runs.

    Raises
    ------
    OSError
        If there is none, or others could change what is in it.
    """
    if not hasattr(os, "geteuid"):
        raise PermissionError("who can write to a file cannot be told on this system")
    if os.getuid() != os.geteuid():
        raise PermissionError("the program runs with the rights of another user")
    path = Path(os.path.realpath(place()))
    for around in reversed(path.parents):
        if not holds_fast(status_of(around)):
            raise PermissionError(f"another user could rename what is in {around}")
    status_of(path)
    here = os.open(path, os.O_RDONLY | os.O_DIRECTORY | STRICT)
    try:
        if not only_ours(os.fstat(here)):
            raise PermissionError(f"{path} is not this user's alone")
        yield here
    finally:
        os.close(here)


def status_of(folder: Path) -> os.stat_result:
    """The status of a folder, which is made if there is none."""
    with suppress(FileNotFoundError):
        return os.lstat(folder)
    with suppress(FileExistsError):  # another process was faster
        os.mkdir(folder, 0o700)
    return os.lstat(folder)


def only_ours(status: os.stat_result) -> bool:
    """Whether something is the user's, and nobody else can write to it."""
    return status.st_uid == os.geteuid() and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def holds_fast(status: os.stat_result) -> bool:
    """Whether nobody else but root can rename what the user, or root, has in a folder.

    A group with the number of the owner is taken for the owner's own, as systems give each user.
    """
    if status.st_uid not in (0, os.geteuid()):
        return False
    group = 0 if status.st_gid == status.st_uid else stat.S_IWGRP
    return bool(status.st_mode & stat.S_ISVTX) or not status.st_mode & (group | stat.S_IWOTH)

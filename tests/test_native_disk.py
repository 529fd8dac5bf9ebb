"""Machine code on disk: found by the next process, sound whatever happens, trusted with care."""

import ctypes
import importlib
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip("llvmlite")

from dezero.jit.native import disk, runtime  # it needs llvmlite

DISK = disk.__file__
KEY = "0" * 63 + "1"
CODE = b"machine code" * 100

if not hasattr(os, "geteuid"):
    pytest.skip("nothing is kept on disk here", allow_module_level=True)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder for code, which nothing has made yet."""
    monkeypatch.setenv("DEZERO_CACHE_DIR", str(tmp_path / "code"))
    if disk.state() != f"code is kept in {tmp_path / 'code'}":
        pytest.skip(disk.state())
    (tmp_path / "code").rmdir()
    return tmp_path / "code"


class Made:
    """What makes code, and counts how often."""

    count = 0

    def __call__(self):
        self.count += 1
        return CODE


def made(text="text"):
    """How often code was made for a text, that is, once or not at all."""
    make = Made()
    assert disk.kept(text, make) == CODE
    return make.count


def only(folder):
    """The one file of a folder."""
    (file,) = folder.iterdir()
    return file


# ---------------------------------------------------------------------------- processes


PROGRAM = """
import numpy as np
import dezero as dz
from dezero.ir import simplified, trace
from dezero.jit.native import entry, runtime
from dezero.jit.native.kernel import Kernel

count, made = [], runtime.made
runtime.made = lambda text: count.append(text) or made(text)

def mixture(x, m):
    return np.sum(np.log(np.sum(np.exp(-0.5 * (x[:, None] - m) ** 2), 1)))

def network(x, w):
    return np.sum(np.tanh(x @ w) ** 2) + np.linalg.slogdet(w)[1]

def turns(x, y):
    return dz.fori_loop(0, 5, lambda i, z: np.tanh(z) * x + i, y)

x, y, w = np.linspace(0, 1, 12), np.arange(3.0), np.eye(3) + 0.1
for f, *args in (dz.grad(mixture), x, y), (dz.grad(network), x.reshape(4, 3), w), (turns, x, x):
    kernel = Kernel(simplified(trace(f)(*args)))
    assert np.allclose(kernel(*args)[0], f(*args))
entry.code()
print(len(count))
"""


def compiled_in(seed, folder):
    """How many kernels, and ways to call them, a new process compiles."""
    env = os.environ | {"PYTHONHASHSEED": seed, "DEZERO_CACHE_DIR": str(folder)}
    run = [sys.executable, "-c", PROGRAM]
    return int(subprocess.run(run, env=env, stdout=subprocess.PIPE, check=True).stdout)


def test_the_second_process_does_not_compile(folder):
    assert compiled_in("1", folder) == 4
    assert compiled_in("2", folder) == 0


FORKS = """
import os, signal, threading
from dezero.jit.native import runtime

def text(*names):
    double = "define double @{0}(double %x) {{\\n %y = fadd double %x, %x\\n ret double %y\\n}}"
    return "\\n".join(map(double.format, names))

made = runtime.machine
started = threading.Event()
runtime.machine = lambda: started.set() or made()
thread = threading.Thread(target=runtime.compiled, args=(text(*(f"f{k}" for k in range(1000))),))
thread.start()
started.wait()
child = os.fork()
if child == 0:
    signal.alarm(10)
    os._exit(runtime.Code(runtime.compiled(text("f")), ["f"])["f"] == 0)
thread.join()
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def test_a_fork_while_a_thread_compiles():
    env = os.environ | {"DEZERO_CACHE_DIR": ""}
    run = [sys.executable, "-W", "ignore", "-c", FORKS]
    assert int(subprocess.run(run, env=env, stdout=subprocess.PIPE, check=True).stdout) == 0


def processes(program, count, folder):
    """Processes with a program that has `disk`, and nothing else, of the library."""
    load = (
        "import importlib.util, os, sys, time\n"
        f"spec = importlib.util.spec_from_file_location('disk', {DISK!r})\n"
        "disk = importlib.util.module_from_spec(spec)\n"
        "spec.loader.exec_module(disk)\n"
    )
    env = os.environ | {"DEZERO_CACHE_DIR": str(folder)}
    run = [sys.executable, "-S", "-c", load + program]
    ready = {"env": env, "stderr": subprocess.PIPE, "preexec_fn": interruptible}
    return [subprocess.Popen(run, **ready) for _ in range(count)]


def interruptible():
    """Where the tests run in the background of a shell, interrupts are ignored otherwise."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


AT_ONCE = """
for turn in range(60):
    for k in range(5):
        code = bytes([k]) * 30_000 * (k + 1)
        assert disk.kept(str(k), lambda: code) == code
    if turn % 10 == os.getpid() % 10:
        for name in os.listdir(os.environ["DEZERO_CACHE_DIR"]):
            try:
                os.unlink(os.path.join(os.environ["DEZERO_CACHE_DIR"], name))
            except FileNotFoundError:
                pass
"""


def test_four_processes_at_once(folder):
    for each in processes(AT_ONCE, 4, folder):
        errors = each.communicate(timeout=60)[1]
        assert each.returncode == 0, errors.decode()
    assert all(file.suffix == ".dezero" for file in folder.iterdir())  # nothing half written


WITHOUT_END = """
k = 0
while True:
    disk.kept(str(k % 50) + str(os.getpid()), lambda: bytes(100_000))
    k += 1
    if k % 50 == 0:
        for name in os.listdir(os.environ["DEZERO_CACHE_DIR"]):
            if name.endswith(".dezero"):
                os.unlink(os.path.join(os.environ["DEZERO_CACHE_DIR"], name))
"""


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGKILL])
def test_a_process_that_is_ended(folder, end):
    for wait in (0.0, 0.003, 0.007):
        (process,) = processes(WITHOUT_END, 1, folder)
        while process.poll() is None and not (folder.exists() and any(folder.iterdir())):
            time.sleep(0.005)
        time.sleep(wait)
        process.send_signal(end)
        try:
            process.communicate(timeout=20)
        finally:
            process.kill()
    whole = [file for file in folder.iterdir() if file.suffix == ".dezero"]
    assert all(disk.read(file.stem) == bytes(100_000) for file in whole)
    if end == signal.SIGINT:
        assert len(whole) == len(list(folder.iterdir()))


# ---------------------------------------------------------------------------- files


def test_code_is_made_once(folder):
    assert (made("a"), made("a"), made("b"), made("a"), made("b")) == (1, 0, 1, 0, 0)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert all(stat.S_IMODE(file.stat().st_mode) == 0o600 for file in folder.iterdir())


def cut(file):
    file.write_bytes(file.read_bytes()[:-1])


def emptied(file):
    file.write_bytes(b"")


def a_bit_changed(file):
    content = bytearray(file.read_bytes())
    content[-5] ^= 1
    file.write_bytes(content)


def longer(file):
    file.write_bytes(file.read_bytes() + b"\0")


def of_another_format(file):
    file.write_bytes(b"DeZero 0" + file.read_bytes()[8:])


def of_another_text(file):
    disk.write(KEY, b"something else")
    (file.parent / disk.name(KEY)).replace(file)


def a_link(file):
    elsewhere = file.parent.parent / "elsewhere"
    file.rename(elsewhere)
    file.symlink_to(elsewhere)


def a_pipe(file):
    file.unlink()
    os.mkfifo(file, 0o600)


def for_all_to_write(file):
    file.chmod(0o666)


def for_a_group_to_write(file):
    file.chmod(0o620)


def of_another_user(file):
    if os.geteuid() != 0:
        pytest.skip("only root can give a file to somebody else")
    os.chown(file, 12345, -1)


BROKEN = (cut, emptied, a_bit_changed, longer, of_another_format, of_another_text)
UNTRUSTED = (a_link, a_pipe, for_all_to_write, for_a_group_to_write, of_another_user)


@pytest.mark.parametrize("change", BROKEN + UNTRUSTED)
def test_a_file_that_is_not_what_was_written_is_made_anew(folder, change):
    assert made() == 1
    change(only(folder))
    assert made() == 1
    assert made() == 0
    assert stat.S_IMODE(only(folder).lstat().st_mode) == 0o600


def test_a_folder_in_the_place_of_a_file(folder):
    assert made() == 1
    name = only(folder)
    name.unlink()
    name.mkdir()
    assert made() == made() == 1
    assert only(folder) == name


def test_an_interrupt_leaves_nothing_half_written(folder, monkeypatch):
    def interrupted(*_args, **_kwargs):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        disk.kept("text", interrupted)
    monkeypatch.setattr(os, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        made()
    assert not list(folder.iterdir())


def test_a_full_disk(folder, monkeypatch):
    def full(here):
        def opener(name, flags):
            os.close(os.open(name, flags, 0o600, dir_fd=here))
            return os.open("/dev/full", os.O_WRONLY)

        return opener

    if not Path("/dev/full").exists():
        pytest.skip("no disk that is always full")
    monkeypatch.setattr(disk, "within", full)
    assert made() == 1
    assert not list(folder.iterdir())


# ---------------------------------------------------------------------------- how much


def test_what_was_not_used_for_long_goes_first(folder, monkeypatch):
    monkeypatch.setattr(disk, "LIMIT", 4 * disk.BLOCK)
    monkeypatch.setattr(disk, "ROUND", 1)
    now = time.time()
    keys = [disk_key(k) for k in range(8)]
    for k, key in enumerate(keys[:4]):
        disk.write(key, CODE)
        os.utime(folder / disk.name(key), (now - 9000 + k,) * 2)
    assert disk.read(keys[0]) == CODE  # used again
    others = {"of the user", "0" * 64}
    for name in others:
        (folder / name).write_bytes(bytes(99 * disk.BLOCK))
    for key in keys[4:6]:
        disk.write(key, CODE)
    left = {file.name for file in folder.iterdir()}
    assert left == others | {disk.name(key) for key in (keys[0], *keys[3:6])}


def disk_key(k):
    return f"{k:064x}"


def test_what_is_left_half_written(folder, monkeypatch):
    monkeypatch.setattr(disk, "ROUND", 1)
    disk.write(KEY, CODE)
    old, new = (folder / f"{disk.name(KEY)}.{k:016x}" for k in range(2))
    old.write_bytes(b"half")
    new.write_bytes(b"half")
    os.utime(old, (time.time() - 2 * disk.HOUR,) * 2)
    disk.write(KEY, CODE)
    assert {file.name for file in folder.iterdir()} == {disk.name(KEY), new.name}


def test_a_look_at_how_much_there_is_is_rare(folder, monkeypatch):
    looks = []
    monkeypatch.setattr(disk, "tidy", looks.append)
    for k in range(200):
        made(str(k))
        made(str(k))
    assert len(list(folder.iterdir())) == 200
    assert len(looks) < 20


def test_a_use_is_noted_once_in_a_while(folder):
    made()
    file = only(folder)
    for ago, noted in (disk.HOUR / 2, False), (2 * disk.HOUR, True):
        before = time.time() - ago
        os.utime(file, (before, before))
        made()
        assert (file.stat().st_mtime > before + 1) == noted


# ---------------------------------------------------------------------------- the folder


def test_where_it_is(monkeypatch):
    monkeypatch.delenv("DEZERO_CACHE_DIR", raising=False)
    monkeypatch.setenv("HOME", "/home/someone")
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert disk.place() == "/home/someone/.cache/dezero"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert disk.place() == "/home/someone/.cache/dezero"
    monkeypatch.setattr(sys, "platform", "darwin")
    assert disk.place() == "/home/someone/Library/Caches/dezero"
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert disk.place() == "/somewhere/dezero"
    monkeypatch.setenv("DEZERO_CACHE_DIR", "~/code")
    assert disk.place() == "/home/someone/code"


def nothing_is_kept(why):
    """Code is made each time, and the reason is given."""
    assert made() == made() == 1
    assert disk.state().startswith("no code is kept on disk: ")
    assert why in disk.state()
    return True


@pytest.mark.parametrize("said", ["", "code", "./code"])
def test_turned_off(said, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DEZERO_CACHE_DIR", said)
    assert nothing_is_kept("no absolute path")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("path", ["/dev/null/code", "/proc/code"])
def test_a_folder_that_cannot_be_made(path, monkeypatch):
    monkeypatch.setenv("DEZERO_CACHE_DIR", path)
    assert nothing_is_kept(path.removesuffix("/code"))


def test_a_folder_that_cannot_be_written_to(folder, monkeypatch):
    assert made("a") == 1

    def refused(name, flags, *args, **kwargs):
        if flags & os.O_CREAT:
            raise PermissionError(13, "Permission denied")
        return opened(name, flags, *args, **kwargs)

    opened = os.open
    monkeypatch.setattr(os, "open", refused)
    monkeypatch.setattr(os, "utime", lambda *_: refused(None, os.O_CREAT))
    os.chmod(folder, 0o500)
    assert (made("a"), made("b"), made("b")) == (0, 1, 1)


@pytest.mark.parametrize("mode", [0o770, 0o707, 0o777, 0o1777])
def test_a_folder_that_others_can_write_to(folder, mode):
    assert made() == 1
    folder.chmod(mode)
    assert nothing_is_kept("not this user's alone")
    folder.chmod(0o755)
    assert made() == 0


@pytest.mark.usefixtures("folder")
def test_a_folder_in_one_that_others_can_write_to(tmp_path):
    assert made() == 1
    tmp_path.chmod(0o777)
    assert nothing_is_kept(f"could rename what is in {tmp_path}")
    tmp_path.chmod(0o1777)  # sticky: only the owner renames
    assert made() == 0
    os.chmod(tmp_path, 0o770)
    private = tmp_path.stat().st_gid == os.geteuid()
    assert made() == (not private)


def test_a_folder_of_another_user(folder, tmp_path, monkeypatch):
    assert made() == 1
    if os.geteuid() == 0:
        os.chown(tmp_path, 12345, -1)  # such as root in a user's home
        assert nothing_is_kept(f"could rename what is in {tmp_path}")
        os.chown(tmp_path, 0, -1)
        os.chown(folder, 12345, -1)
    else:
        monkeypatch.setattr(disk, "holds_fast", lambda _: True)
        other = os.geteuid() + 1
        for name in ("getuid", "geteuid"):
            monkeypatch.setattr(os, name, lambda: other)
    assert nothing_is_kept("not this user's alone")


def test_no_folder_is_made_in_another_users(folder, tmp_path):
    tmp_path.chmod(0o777)
    assert nothing_is_kept("could rename")
    assert not folder.exists()


def test_a_link_to_a_folder(folder, tmp_path):
    assert made() == 1
    real = tmp_path / "real"
    folder.rename(real)
    folder.symlink_to(real)
    assert made() == 0  # it is the real one that is looked at
    real.chmod(0o777)
    assert nothing_is_kept("not this user's alone")


def test_folders_between(folder, monkeypatch):
    umask = os.umask(0)
    try:
        monkeypatch.setenv("DEZERO_CACHE_DIR", str(folder / "a" / "b"))
        assert (made(), made()) == (1, 0)
    finally:
        os.umask(umask)
    assert stat.S_IMODE((folder / "a").stat().st_mode) == 0o700


def test_the_rights_of_another_user(folder, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    assert nothing_is_kept("the rights of another user")
    assert not folder.exists()


def test_a_system_that_does_not_tell(folder, monkeypatch):
    monkeypatch.delattr(os, "geteuid")
    assert nothing_is_kept("cannot be told")
    assert not folder.exists()


# ---------------------------------------------------------------------------- keys


ADD = "define i64 @add(i64 %x, i64 %y) {\n  %z = add i64 %x, %y\n  ret i64 %z\n}\n"


@pytest.mark.usefixtures("folder")
def test_code_from_disk_runs(monkeypatch):
    first = runtime.compiled(ADD)
    monkeypatch.setattr(runtime, "made", None)
    assert runtime.compiled(ADD) == first
    code = runtime.Code(runtime.compiled(ADD), ["add"])
    assert ctypes.CFUNCTYPE(*[ctypes.c_int64] * 3)(code["add"])(2, 3) == 5


@pytest.mark.parametrize(
    "what", ["features", "PASSES", "OPTIMIZATION", "llvm", "dezero", "llvmlite"]
)
def test_code_of_another_kind_is_another_file(folder, monkeypatch, what):
    runtime.compiled(ADD)
    if what == "features":
        monkeypatch.setattr(runtime, what, lambda: "+sse2")
    elif what == "PASSES":
        monkeypatch.setattr(runtime, what, ("sroa",))
    elif what == "OPTIMIZATION":
        monkeypatch.setattr(runtime, what, 3)
    elif what == "llvm":
        monkeypatch.setattr(runtime.llvm, "llvm_version_info", (99, 0, 0))
    else:
        monkeypatch.setattr(importlib.import_module(what), "__version__", "99")
    runtime.recipe.cache_clear()
    runtime.compiled(ADD)
    runtime.recipe.cache_clear()
    assert len(list(folder.iterdir())) == 2

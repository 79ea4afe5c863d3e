"""An artifactd of a test's own, with a directory as its store."""

import os
import pathlib
import signal
import socket
import subprocess
import time

BINARIES = pathlib.Path(os.environ.get("ARTIFACTD_BIN", pathlib.Path(__file__).resolve().parents[2] / ".build" / "debug"))


def eventually(condition, what, timeout=20):
    """What the condition gives as soon as that is true."""
    deadline = time.monotonic() + timeout
    while not (result := condition()):
        assert time.monotonic() < deadline, f"not within {timeout} s: {what}"
        # Nobody tells when it becomes true: it is looked at until it is, and the pause decides nothing.
        time.sleep(0.002)
    return result


class Daemon:
    """Shares nothing with any other."""

    def __init__(self, directory, **settings):
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True)
        self.socket = self.directory / "s"
        self.store = self.directory / "store"
        self.log_path = self.directory / "log"
        self.settings = {"ARTIFACTD_" + key.upper(): str(value) for key, value in settings.items()}
        self.process = None

    def start(self):
        """Starts it and waits until it takes connections."""
        command = [BINARIES / "artifactd", "--socket", self.socket, "--state", self.directory / "state"]
        command += ["--store", f"file://{self.store}"]
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.directory), "SWIFT_BACKTRACE": "enable=no", **self.settings}
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

        def listens():
            assert self.process.poll() is None, self.log_path.read_text()
            with socket.socket(socket.AF_UNIX) as probe:
                try:
                    probe.connect(str(self.socket))
                except (FileNotFoundError, ConnectionRefusedError):
                    return False
                credentials = probe.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
                return int.from_bytes(credentials[:4], "little") == self.process.pid

        eventually(listens, "artifactd takes connections")
        return self

    def signal(self, number):
        self.process.send_signal(number)
        if number == signal.SIGSTOP:
            # Its threads stop one after the other: until the last has, the daemon may answer.
            os.waitid(os.P_PID, self.process.pid, os.WSTOPPED)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        self.process.terminate()
        assert self.process.wait(20) == 0, self.log_path.read_text()

    def close(self):
        """Ends it in order, if it runs."""
        if self.process is not None and self.process.poll() is None:
            self.signal(signal.SIGCONT)
            try:
                self.stop()
            finally:
                if self.process.poll() is None:
                    self.kill()
        assert not self.log_path.exists() or "internal_fault" not in self.log_path.read_text()

    def content(self, key):
        return (self.store / key).read_bytes()

    def keys(self):
        """What lies in the store."""
        files = (path.relative_to(self.store) for path in self.store.rglob("*") if path.is_file())
        return sorted(str(path) for path in files if path.parts[0] != ".artifactd")

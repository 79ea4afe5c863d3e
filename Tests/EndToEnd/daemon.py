"""An artifactd of a test's own, and artifactctl to speak with it."""

import json
import os
import pathlib
import signal
import socket
import subprocess

import processes

STOP_DEADLINE = 30


class Daemon:
    """A daemon with a state directory, a socket, a home and an environment that it shares with nobody."""

    def __init__(self, directory, store=None, environment=None, settings=None, arguments=()):
        self.directory = pathlib.Path(directory)
        self.state = self.directory / "state"
        self.socket = self.directory / "s"
        self.home = self.directory / "home"
        self.home.mkdir(parents=True)
        self.log_path = self.directory / "log"
        self.store = store
        self.arguments = list(arguments)
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "LANG": "C.UTF-8",
            "SWIFT_BACKTRACE": "enable=no",
            "AWS_EC2_METADATA_DISABLED": "true",
            **processes.SANITIZER,
            **(environment or {}),
            **{"ARTIFACTD_" + key.upper(): str(value) for key, value in (settings or {}).items()},
        }
        self.process = None

    # MARK: Life

    def command(self):
        store = ["--store", self.store] if self.store else []
        paths = ["--socket", self.socket, "--state", self.state]
        return [processes.BINARIES / "artifactd", *paths, *store, *self.arguments]

    def launch(self):
        """Starts it and does not wait."""
        with open(self.log_path, "ab") as log:
            self.process = processes.start(self.command(), env=self.environment, stderr=log, stdout=log, stdin=subprocess.DEVNULL)

    def start(self):
        """Starts it and waits until it takes connections."""
        self.launch()

        def answers():
            assert self.process.poll() is None, f"artifactd ended with {self.process.returncode}:\n{self.log()}"
            return self.pid_at_socket() == self.process.pid

        processes.eventually(answers, "artifactd takes connections", 60)
        assert processes.SECRET_KEY not in pathlib.Path(f"/proc/{self.process.pid}/cmdline").read_text()
        return self

    def pid_at_socket(self):
        """Who listens there; None for nobody."""
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(str(self.socket))
            except (FileNotFoundError, ConnectionRefusedError):
                return None
            credentials = probe.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
            return int.from_bytes(credentials[:4], "little")

    def is_running(self):
        return self.process is not None and self.process.poll() is None

    def stop(self, number=signal.SIGTERM):
        """Stops it in order."""
        self.process.send_signal(number)
        assert self.process.wait(STOP_DEADLINE) == 0, self.log()
        assert not self.socket.exists()

    def kill(self):
        self.process.kill()
        self.process.wait()

    def restart(self):
        if self.is_running():
            self.stop()
        return self.start()

    def close(self):
        """Stops what runs, and makes sure that nothing secret was written."""
        try:
            if self.is_running():
                assert processes.SECRET_KEY not in self.ctl("status", "--json").stdout
                self.stop()
        finally:
            if self.is_running():
                self.kill()
        assert processes.SECRET_KEY not in self.log()
        assert "internal_fault" not in self.log()

    def log(self):
        return self.log_path.read_text() if self.log_path.exists() else ""

    def peak_memory(self):
        """The most memory that was resident at a time, in bytes."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) * 1024

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    # MARK: artifactctl

    def ctl(self, *arguments, status=0, before=(), binaries=processes.BINARIES, **options):
        """Runs artifactctl, which must end with this status, or with any for None."""
        command = [*before, binaries / "artifactctl", *arguments]
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.home), "LANG": "C.UTF-8", "ARTIFACTD_SOCKET": str(self.socket)}
        environment.update(processes.SANITIZER)
        options = {"timeout": 300, "text": True, **options}
        done = subprocess.run([*map(os.fsdecode, command)], env=environment, capture_output=True, **options)
        assert status in (None, done.returncode), f"{done.args} ended with {done.returncode}\n{done.stdout}\n{done.stderr}\n{self.log()}"
        return done

    def _documents(self, *arguments, **options):
        return [json.loads(line) for line in self.ctl(*arguments, "--json", **options).stdout.splitlines()]

    def put(self, *paths, to, status=0, **options):
        """Hands over; artifactctl's reports, one a file. Options are flags, with values unless True."""
        flags = []
        for name, value in options.items():
            flags += ["--" + name.replace("_", "-")] + ([] if value is True else [str(value)])
        return self._documents("put", *paths, "--to", to, *flags, status=status)

    def status(self):
        return json.loads(self.ctl("status", "--json").stdout)

    def jobs(self, state=None):
        return self._documents("jobs", *(["--state", state] if state else []))

    def job(self, identifier):
        return json.loads(self.ctl("job", identifier, "--json").stdout)

    def wait(self, *identifiers, status=0, timeout=120):
        self.ctl("wait", *identifiers, "--timeout", str(timeout), status=status)

    def await_job(self, identifier, *states, timeout=60):
        """The job once it is in one of these states."""

        def reached():
            job = self.job(identifier)
            return job if job["state"] in states else None

        return processes.eventually(reached, f"job {identifier} is {' or '.join(states)}", timeout)

    def await_progress(self, identifier, size, timeout=60):
        """Waits until so many bytes of the source are in the store."""
        return processes.eventually(
            lambda: self.job(identifier).get("bytes_done", 0) >= size, f"{size} bytes of {identifier} are sent", timeout
        )

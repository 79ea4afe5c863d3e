"""An artifact-gateway of a test's own, before a daemon of the test's."""

import contextlib
import hashlib
import http.client
import json
import os
import pathlib
import signal
import socket
import subprocess

import processes

TENANT = "acme-corp"


class UnixConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path):
        super().__init__("localhost", timeout=60)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Gateway:
    """A gateway on loopback, on a port of its own; anonymous callers are allowed unless it is given tokens."""

    def __init__(self, directory, daemon_socket, settings=None, tokens=None, listen="127.0.0.1:0", before=()):
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True)
        self.daemon_socket = daemon_socket
        self.listen = listen
        self.log_path = self.directory / "log"
        self.token_path = self.directory / "tokens"
        self.settings = {"temporary": str(self.directory), **(settings or {})}
        self.before = before
        self.anonymous = tokens is None and not listen.startswith("unix:")
        if tokens is not None:
            self.write_tokens(tokens)
            self.settings["tokens"] = str(self.token_path)
        self.process = None
        self.port = None

    def write_tokens(self, tokens):
        """Tokens by their tenants, as the file has them."""
        lines = (f"{hashlib.sha256(token.encode()).hexdigest()} {tenants} {name}" for name, (token, tenants) in tokens.items())
        self.token_path.write_text("# tokens\n" + "".join(f"{line}\n" for line in lines))

    def command(self):
        config = self.directory / "gateway.yaml"
        config.write_text(json.dumps(self.settings))
        command = [*self.before, processes.BINARIES / "artifact-gateway", "--config", config, "--listen", self.listen]
        return [*command, "--socket", self.daemon_socket, *(["--allow-anonymous-loopback"] if self.anonymous else [])]

    def start(self):
        """Starts it and waits until it takes connections."""
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.directory), "SWIFT_BACKTRACE": "enable=no", **processes.SANITIZER}
        with open(self.log_path, "wb") as log:
            self.process = processes.start(self.command(), env=environment, stderr=log, stdout=log, stdin=subprocess.DEVNULL)

        def listens():
            assert self.process.poll() is None, f"artifact-gateway ended with {self.process.returncode}:\n{self.log()}"
            return "msg=listening" in self.log()

        processes.eventually(listens, "artifact-gateway listens", 60)
        if not self.listen.startswith("unix:"):
            self.port = int(self.log().split(" port=")[1].split()[0])
        return self

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def connect(self):
        """A connection, by hand."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=60)

    def log(self):
        return self.log_path.read_text()

    def memory(self, name="VmHWM"):
        """The most memory that was resident at a time, in bytes; or VmRSS for now."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split(f"{name}:")[1].split()[0]) * 1024

    def nameless_bytes(self):
        """What its files without a name hold."""
        total = 0
        for number in os.listdir(f"/proc/{self.process.pid}/fd"):
            path = f"/proc/{self.process.pid}/fd/{number}"
            with contextlib.suppress(FileNotFoundError):
                if os.readlink(path).endswith(" (deleted)"):
                    total += os.stat(path).st_size
        return total

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def stop(self):
        """Stops it in order."""
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(60) == 0, self.log()

    def close(self):
        try:
            if self.process is not None and self.process.poll() is None:
                self.stop()
        finally:
            if self.process is not None and self.process.poll() is None:
                self.process.kill()


def form(content, name="file.bin", path=None, boundary="xXx"):
    """A form as curl sends it, and its content type."""
    parts = b""
    if path is not None:
        parts += f'--{boundary}\r\nContent-Disposition: form-data; name="artifact_path"\r\n\r\n{path}\r\n'.encode()
    parts += f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'.encode()
    return parts + content + f"\r\n--{boundary}--\r\n".encode(), f"multipart/form-data; boundary={boundary}"


def upload_head(run, length, boundary="xXx", tenant=TENANT):
    """The header of an upload, by hand."""
    return (
        f"POST /api/v1/experiments/runs/{run}/log-artifact HTTP/1.1\r\nHost: localhost\r\nX-Tenant-ID: {tenant}\r\n"
        f"Content-Type: multipart/form-data; boundary={boundary}\r\nContent-Length: {length}\r\n\r\n"
    ).encode()


def read_answer(connection):
    """Status, headers and body of an answer on a connection by hand."""
    response = http.client.HTTPResponse(connection)
    response.begin()
    return response.status, response.headers, response.read()

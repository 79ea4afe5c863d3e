"""What the gateway takes: time, CPU and memory, for one large body and for many clients at once.

    .venv/bin/python Tests/Benchmarks/gateway.py --bin .build/release                    # 1 GiB, and 200 clients
    .venv/bin/python Tests/Benchmarks/gateway.py --bin .build/release --size 10737418240 # 10 GiB, sparse

A daemon with a directory as its store, and the gateway before it, both on a directory of their own; nothing leaves the machine.
Beside the upload of the large body stands what writing the same bytes to a file and syncing it takes.
"""

import argparse
import os
import pathlib
import resource
import statistics
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "EndToEnd"))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bin", required=True, help="where artifactd and artifact-gateway are")
    parser.add_argument("--size", type=int, default=1 << 30, help="of the large body, in bytes; sparse")
    parser.add_argument("--clients", type=int, default=200, help="at once")
    parser.add_argument("--slow", type=int, default=50, help="of them slow")
    parser.add_argument("--file", type=int, default=1_000_000, help="size of each client's file, in bytes")
    parser.add_argument("--directory", default=None, help="where; by default the system's temporary directory")
    options = parser.parse_args()
    os.environ["ARTIFACTD_BIN"] = options.bin
    import daemon as daemons
    import gateway as gateways
    import test_gateway as tests

    # A thread and a connection a client.
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    with tempfile.TemporaryDirectory(dir=options.directory) as directory:
        directory = pathlib.Path(directory)
        daemon = daemons.Daemon(directory / "d").start()
        gateway = gateways.Gateway(directory / "g", daemon.socket).start()
        try:
            run = tests.Api(gateway).run()["run_id"]
            large(gateway, daemon, run, directory, options.size)
            many(gateway, run, options, tests.clients_at_once)
        finally:
            gateway.close()
            daemon.close()


def cpu(process):
    """Seconds of CPU that a process has used."""
    fields = pathlib.Path(f"/proc/{process.pid}/stat").read_text().rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def large(gateway, daemon, run, directory, size):
    import gateway as gateways

    begin, end = gateways.form(b"\0\0")[0].split(b"\0\0")
    with open(directory / "sparse", "wb+") as source:
        source.truncate(size)
        before = cpu(gateway.process), cpu(daemon.process)
        start = time.monotonic()
        with gateway.connect() as connection:
            connection.settimeout(None)
            connection.sendall(gateways.upload_head(run, len(begin) + size + len(end)) + begin)
            sent = 0
            while sent < size:
                sent += os.sendfile(connection.fileno(), source.fileno(), sent, min(size - sent, 1 << 24))
            connection.sendall(end)
            status = gateways.read_answer(connection)[0]
        wall = time.monotonic() - start
        assert status == 201
        used = cpu(gateway.process) - before[0]
        start = time.monotonic()
        with open(directory / "copy", "wb") as copy:
            for offset in range(0, size, 1 << 20):
                copy.write(os.pread(source.fileno(), 1 << 20, offset))
            copy.flush()
            os.fsync(copy.fileno())
        plain = time.monotonic() - start
    (directory / "copy").unlink()
    print(f"one body of {size / (1 << 30):.1f} GiB: {wall:.1f} s until DURABLE ({size / wall / (1 << 20):.0f} MiB/s), gateway CPU {used:.1f} s, "
          f"peak memory {gateway.memory() >> 20} MiB; a plain copy with fsync {plain:.1f} s")  # fmt: skip


def many(gateway, run, options, clients_at_once):
    durations = clients_at_once(gateway, run, options.clients, options.slow, options.file)
    quantiles = statistics.quantiles(durations, n=100)
    print(f"{options.clients} clients at once, {options.slow} of them slow, {options.file} bytes each: the fast ones took "
          f"{quantiles[49]:.2f} s at the median, {quantiles[98]:.2f} s at most but one per cent; peak memory {gateway.memory() >> 20} MiB")  # fmt: skip


if __name__ == "__main__":
    main()

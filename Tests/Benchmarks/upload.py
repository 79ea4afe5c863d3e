#!/usr/bin/env python3
"""Upload cost of artifactd beside its peers, against a null S3 on loopback.

    upload.py --bin .build/release --case one --runs 5

Cases:
    one    one file of random bytes (--size MiB)
    small  many small files (--count, --file-size KiB)
    json   one file of JSON lines (--size MiB), compressed on the way

Every contender runs once a round, in turn; the first round warms up and is not counted. The figures are medians. Only their
ratio to the reference in the same run carries over to another machine.

What is counted: for obstore and boto3 the call itself in a process of its own, without starting it; for curl and the pipelines
the whole process; for artifactd, wall time from the start of `artifactctl put` until it says that the object is stored, and the
daemon's CPU and peak memory, beside which artifactctl's own CPU stands as `client`. Every daemon is fresh. `server` is what
null-s3 used meanwhile: it shares the machine. `RSS` is the peak of the whole process; `base` is how much of it stood before the
work began: Python and the library for obstore and boto3, the idle daemon for artifactd.

Needs Python 3.10, obstore, curl, GNU time; boto3, zstd, igzip and gzip where named. Contenders: --only NAME,... picks some.
"""

import argparse
import asyncio
import contextlib
import dataclasses
import json
import os
import pathlib
import random
import resource
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request

BUCKET = "bench"
TICKS = os.sysconf("SC_CLK_TCK")


@dataclasses.dataclass
class Sample:
    wall: float  # seconds
    cpu: float  # seconds, user and system
    rss: float  # MiB at the peak
    base: float = 0.0  # MiB of it before the work began
    client: float = 0.0  # seconds of CPU in artifactctl
    server: float = 0.0  # seconds of CPU in null-s3
    stored: int = 0  # bytes that arrived


def cpu_of(pid):
    """User and system CPU in seconds, to the tick."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def peak_of(pid):
    """Peak resident memory in MiB. Unlike ru_maxrss it forgets what the process was before exec: a copy of its parent."""
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError(f"no VmHWM of process {pid}")


def run(command, **options):
    """Runs a command to its end: wall, CPU and peak memory of it and of its children."""
    with tempfile.NamedTemporaryFile("r") as peak:
        begin = time.perf_counter()
        # GNU time stands between, for the peak alone: it is small, this process is not (see peak_of).
        process = subprocess.Popen(["time", "--quiet", "--format", "%M", "--output", peak.name, *command], **options)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - begin
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            raise RuntimeError(f"{command} ended with {process.returncode}")
        return Sample(wall, usage.ru_utime + usage.ru_stime, int(peak.read()) / 1024)


@contextlib.contextmanager
def null_s3(binaries):
    """A null S3: its process id and URL. It ends with its standard input."""
    with subprocess.Popen(
        [binaries / "null-s3", "--port", "0"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            line = process.stdout.readline()
            if not line.startswith("listening "):
                raise RuntimeError(f"null-s3 did not start: {line!r}")
            yield process.pid, "http://" + line.split()[1]
        finally:
            process.stdin.close()


@dataclasses.dataclass
class Bench:
    """What the contenders share."""

    binaries: pathlib.Path
    work: pathlib.Path
    endpoint: str
    source: pathlib.Path  # the file, or the directory of small files

    def url(self, key):
        return f"{self.endpoint}/{BUCKET}/{urllib.parse.quote(key)}"

    def files(self):
        return sorted(self.source.iterdir()) if self.source.is_dir() else [self.source]

    def stored(self, key):
        """The sizes of all objects whose key begins with `key`."""
        query = urllib.parse.urlencode({"list-type": 2, "prefix": key, "max-keys": 1000})
        total, token = 0, ""
        while True:
            more = f"&continuation-token={urllib.parse.quote(token, safe='')}" if token else ""
            with urllib.request.urlopen(f"{self.endpoint}/{BUCKET}?{query}{more}", timeout=30) as answer:
                text = answer.read().decode()
            total += sum(int(piece.partition("<")[0]) for piece in text.split("<Size>")[1:])
            token = text.partition("<NextContinuationToken>")[2].partition("<")[0]
            if not token:
                return total


def artifactd(bench, key, compression="none"):
    """A fresh daemon; artifactctl hands over and waits until stored."""
    environment = os.environ | {
        "AWS_ENDPOINT_URL": bench.endpoint,
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_REGION": "us-east-1",
    }
    with tempfile.TemporaryDirectory(dir=bench.work) as state:
        socket = f"{state}/socket"
        control = [bench.binaries / "artifactctl", "--socket", socket]
        log = pathlib.Path(state, "log")
        with log.open("w") as sink:
            daemon = subprocess.Popen(
                [bench.binaries / "artifactd", "--socket", socket, "--state", f"{state}/state", "--store", f"s3://{BUCKET}"],
                env=environment,
                stdin=subprocess.DEVNULL,
                stderr=sink,
            )
        try:
            deadline = time.monotonic() + 20
            while (status := subprocess.run([*control, "status", "--json"], capture_output=True, check=False)).returncode != 0:
                if status.returncode != 3 or daemon.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"artifactd does not answer: {status.stderr.decode()}\n{log.read_text()}")
                # Until it answers; outside of what is measured.
                time.sleep(0.02)
            before, base = cpu_of(daemon.pid), peak_of(daemon.pid)
            many = bench.source.is_dir()
            # A URI that ends in a slash is a prefix for many files.
            put = [*control, "put", bench.source, "--to", f"s3://{BUCKET}/{key}{'/' if many else ''}"]
            put += ["--compression", compression, "--ack", "stored", "--json", *(["--recursive"] if many else [])]
            answers = pathlib.Path(state, "answers")
            with answers.open("w") as sink:
                sample = run(put, stdout=sink)
            return Sample(sample.wall, cpu_of(daemon.pid) - before, peak_of(daemon.pid), base, client=sample.cpu)
        finally:
            daemon.terminate()
            try:
                daemon.wait(timeout=20)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()


def in_child(bench, key, client):
    """This script again, as a process that makes the one call and prints its cost."""
    task = json.dumps({"client": client, "endpoint": bench.endpoint, "key": key, "source": str(bench.source)})
    done = subprocess.run([sys.executable, __file__, "--child", task], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{client} ended with {done.returncode}: {done.stderr}")
    return Sample(**json.loads(done.stdout))


def child(task):
    """The body of the process that `in_child` starts."""
    source = pathlib.Path(task["source"])
    files = sorted(source.iterdir()) if source.is_dir() else [source]
    keys = [f"{task['key']}/{file.name}" if source.is_dir() else task["key"] for file in files]
    if task["client"] == "boto3":
        import boto3

        s3 = boto3.client(
            "s3",
            endpoint_url=task["endpoint"],
            region_name="us-east-1",
            aws_access_key_id="key",
            aws_secret_access_key="secret",
        )

        def work():
            for key, file in zip(keys, files, strict=True):
                s3.upload_file(str(file), BUCKET, key)

    else:
        import obstore
        import obstore.store

        store = obstore.store.S3Store(
            BUCKET,
            endpoint=task["endpoint"],
            region="us-east-1",
            access_key_id="key",
            secret_access_key="secret",
            virtual_hosted_style_request=False,
            unsigned_payload=task["client"] == "obstore",
            client_options={"allow_http": True},
        )

        async def put_all():
            waiting = list(zip(keys, files, strict=True))[::-1]

            async def worker():
                while waiting:
                    key, file = waiting.pop()
                    await obstore.put_async(store, key, file)

            await asyncio.gather(*(worker() for _ in range(10)))

        def work():
            if source.is_dir():
                asyncio.run(put_all())
            else:
                obstore.put(store, keys[0], files[0])

    base = peak_of(os.getpid())
    before = resource.getrusage(resource.RUSAGE_SELF)
    begin = time.perf_counter()
    work()
    wall = time.perf_counter() - begin
    after = resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(json.dumps({"wall": wall, "cpu": cpu, "rss": peak_of(os.getpid()), "base": base}), flush=True)
    # The work is done and measured. obstore 0.12 with asyncio aborts now and then while the interpreter is taken down.
    os._exit(0)


def curl(bench, key):
    """The floor: one curl, one PUT a file, no signature, no checksum, one connection."""
    common = ["curl", "--silent", "--show-error", "--fail"]
    if not bench.source.is_dir():
        return run([*common, "--upload-file", bench.source, bench.url(key)])
    config = bench.work / "curl.config"
    config.write_text("".join(f'upload-file = "{file}"\nurl = "{bench.url(f"{key}/{file.name}")}"\n' for file in bench.files()))
    return run([*common, "--config", config])


def pipeline(bench, key, command):
    """A compressor piped into curl, which sends it in chunks."""
    shell = f"set -o pipefail; {command} < {shlex.quote(str(bench.source))} | curl -sSf -T - {shlex.quote(bench.url(key))}"
    return run(["bash", "-c", shell])


def contenders(case):
    """Name and function of each; the first of those that run is the reference of the ratios."""
    peers = {
        "obstore unsigned": lambda b, k: in_child(b, k, "obstore"),
        "obstore sha256": lambda b, k: in_child(b, k, "obstore-sha256"),
        "boto3": lambda b, k: in_child(b, k, "boto3"),
        "curl": curl,
    }
    if case != "json":
        return {**peers, "artifactd": artifactd}
    return {
        "zstd -1 | curl": lambda b, k: pipeline(b, k, "zstd -1 -c -q"),
        "zstd -1 -T2 | curl": lambda b, k: pipeline(b, k, "zstd -1 -T2 -c -q"),
        "igzip -1 | curl": lambda b, k: pipeline(b, k, "igzip -1 -c"),
        "gzip -6 | curl": lambda b, k: pipeline(b, k, "gzip -6 -c"),
        "obstore unsigned": peers["obstore unsigned"],
        "artifactd zstd": lambda b, k: artifactd(b, k, "zstd"),
        "artifactd gzip": lambda b, k: artifactd(b, k, "gzip"),
        "artifactd auto": lambda b, k: artifactd(b, k, "auto"),
    }


UNASKED = {"boto3", "gzip -6 | curl"}  # slow: only by name


def make_random(path, size):
    with path.open("wb") as file:
        for offset in range(0, size, 1 << 20):
            file.write(os.urandom(min(1 << 20, size - offset)))


def make_json(path, size):
    """Lines as a training loop logs them. They repeat after 64 MiB, far beyond the window of the compressors at these levels."""
    chance = random.Random(1)
    lines, length, step = [], 0, 0
    while length < min(size, 64 << 20):
        step += 1
        record = {
            "ts": round(1_700_000_000 + step * 0.173 + chance.random(), 6),
            "level": chance.choice(["INFO", "INFO", "INFO", "DEBUG", "WARN"]),
            "rank": chance.randrange(64),
            "step": step,
            "loss": 2.5 / (1 + step / 1e5) + chance.gauss(0, 0.01),
            "lr": 3e-4 * (1 - step / 1e8),
            "grad_norm": chance.lognormvariate(0, 0.3),
            "msg": f"finished batch {chance.randrange(10**6)} of shard {chance.randrange(512):05d}",
        }
        lines.append(json.dumps(record))
        length += len(lines[-1]) + 1
    block = ("\n".join(lines) + "\n").encode()
    with path.open("wb") as file:
        for _ in range(max(1, round(size / len(block)))):
            file.write(block)


def make_source(arguments, directory):
    size = arguments.size << 20
    source = directory / "source"
    if arguments.case == "one":
        make_random(source, size)
    elif arguments.case == "json":
        make_json(source, size)
    else:
        source.mkdir()
        for number in range(arguments.count):
            make_random(source / f"{number:05d}", arguments.file_size << 10)
    return source


def measure(arguments, chosen, bench, server, size):
    samples = {name: [] for name in chosen}
    for round_number in range(arguments.runs + 1):
        for name, contender in chosen.items():
            key = f"{round_number}/{name.replace(' ', '-').replace('|', '')}"
            before = cpu_of(server)
            sample = contender(bench, key)
            sample.server = cpu_of(server) - before
            sample.stored = bench.stored(key)
            # Where something compresses, only that it is not nothing can be told.
            if sample.stored == 0 or (arguments.case != "json" and sample.stored != size):
                raise RuntimeError(f"{name}: {sample.stored} of {size} bytes have arrived")
            if round_number > 0:
                samples[name].append(sample)
    return samples


def report(samples, size):
    reference = None
    columns = ["wall s", "CPU s", "RSS MiB", "base", "client", "server", "x wall", "x CPU", "stored"]
    print(" " * 20, *(f"{column:>8}" for column in columns))
    for name, runs in samples.items():
        middle = Sample(*(statistics.median(column) for column in zip(*map(dataclasses.astuple, runs), strict=True)))
        reference = reference or middle
        ratios = [middle.wall / reference.wall, middle.cpu / reference.cpu, middle.stored / size]
        figures = [middle.wall, middle.cpu, middle.rss, middle.base, middle.client, middle.server, *ratios]
        print(f"{name:20}", *(f"{figure:8.3f}" for figure in figures))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", type=pathlib.Path, metavar="DIR", help="where artifactd, artifactctl and null-s3 lie")
    parser.add_argument("--case", choices=["one", "small", "json"], default="one")
    parser.add_argument("--runs", type=int, default=5, help="rounds that count (5)")
    parser.add_argument("--size", type=int, default=1024, metavar="MiB", help="of the one file (1024)")
    parser.add_argument("--count", type=int, default=2000, help="of the small files (2000)")
    parser.add_argument("--file-size", type=int, default=16, metavar="KiB", help="of a small file (16)")
    parser.add_argument("--only", metavar="NAME,...", help="these contenders; the first is the reference")
    parser.add_argument("--dir", type=pathlib.Path, help="for the files (the system's temporary directory)")
    parser.add_argument("--json", action="store_true", help="print every sample as JSON instead")
    parser.add_argument("--child", type=json.loads, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        child(arguments.child)
        return
    if not arguments.bin:
        parser.error("--bin DIR is needed")

    known = contenders(arguments.case)
    names = arguments.only.split(",") if arguments.only else [name for name in known if name not in UNASKED]
    if unknown := [name for name in names if name not in known]:
        parser.error(f"no such contender: {', '.join(unknown)}; there are: {', '.join(known)}")
    programs = ["null-s3"] + ["artifactd", "artifactctl"] * any(name.startswith("artifactd") for name in names)
    if missing := [name for name in programs if not (arguments.bin / name).exists()]:
        parser.error(f"{arguments.bin} lacks {', '.join(missing)}")
    with tempfile.TemporaryDirectory(dir=arguments.dir) as directory, null_s3(arguments.bin) as (server, endpoint):
        work = pathlib.Path(directory)
        source = make_source(arguments, work)
        bench = Bench(arguments.bin.resolve(), work, endpoint, source)
        size = sum(file.stat().st_size for file in bench.files())
        samples = measure(arguments, {name: known[name] for name in names}, bench, server, size)
        if arguments.json:
            print(json.dumps({name: [dataclasses.asdict(run) for run in runs] for name, runs in samples.items()}))
        else:
            report(samples, size)


if __name__ == "__main__":
    main()

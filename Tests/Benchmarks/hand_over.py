#!/usr/bin/env python3
"""What handing a file over costs the process that trains, beside what uploading it itself costs, against a null S3 on loopback.

    hand_over.py --bin .build/release

Each contender runs in one process, in turn: how long its call keeps the caller, and the CPU time of the whole process meanwhile,
medians. artifactd is asked twice: until the call returns, with which training goes on, and until the answer ACCEPTED is there,
from which on the file is safe. Its upload goes on in the daemon, and is waited for between two rounds, unmeasured.

Needs Python 3.10, boto3, mlflow.
"""

import argparse
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "protocol" / "python"))

import boto3
import mlflow
import upload

import artifactd


def timed(call):
    """Seconds of wall time and of this process's CPU, and what the call returned."""
    wall, cpu = time.perf_counter(), time.process_time()
    value = call()
    return time.perf_counter() - wall, time.process_time() - cpu, value


def hand_overs(socket, path, rounds, disk):
    """The samples of both moments of artifactd, and of the disk alone in the same minutes."""
    returned, accepted, synced = [], [], []
    with artifactd.Client(socket, retry_timeout=20) as client:
        # The first of each warms up and is not counted.
        for number in range(rounds + 1):
            synced.append(disk.sync())
            wall, cpu, ticket = timed(lambda key=f"returned/{number}": client.put(path, key))
            ticket.wait("stored")
            returned.append((wall, cpu))
            wall, cpu, ticket = timed(lambda key=f"accepted/{number}": client.put(path, key).wait("accepted"))
            ticket.wait("stored")
            accepted.append((wall, cpu))
    return returned[1:], accepted[1:], synced[1:]


class Disk:
    """Syncs what a hand-over leaves in the journal's log: some pages, over an old part of a file."""

    def __init__(self, path):
        self.file = open(path, "wb", buffering=0)
        self.file.write(bytes(8 << 20))
        os.fsync(self.file.fileno())
        self.count = 0

    def sync(self):
        """Wall time and CPU of the fdatasync."""
        os.pwrite(self.file.fileno(), os.urandom(28 << 10), self.count % 200 * (32 << 10))
        self.count += 1
        return timed(lambda: os.fdatasync(self.file.fileno()))[:2]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", type=pathlib.Path, required=True, metavar="DIR", help="where artifactd and null-s3 lie")
    parser.add_argument("--size", type=int, default=1024, metavar="MiB", help="of the file (1024)")
    parser.add_argument("--rounds", type=int, default=20, help="of artifactd; a tenth of it, 3 at least, of the others (20)")
    parser.add_argument("--dir", type=pathlib.Path, help="for the files (the system's temporary directory)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.dir) as directory, upload.null_s3(arguments.bin) as (_, endpoint):
        path = f"{directory}/model.bin"
        with open(path, "wb") as file:
            for _ in range(arguments.size):
                file.write(os.urandom(1 << 20))
        os.environ.update(
            AWS_ENDPOINT_URL=endpoint,
            MLFLOW_S3_ENDPOINT_URL=endpoint,
            AWS_ACCESS_KEY_ID="key",
            AWS_SECRET_ACCESS_KEY="secret",
            AWS_REGION="us-east-1",
        )
        socket = f"{directory}/socket"
        command = [arguments.bin / "artifactd", "--socket", socket, "--state", f"{directory}/state"]
        with subprocess.Popen([*command, "--store", f"s3://{upload.BUCKET}"], stderr=subprocess.DEVNULL) as daemon:
            try:
                returned, accepted, synced = hand_overs(socket, path, arguments.rounds, Disk(f"{directory}/log"))
            finally:
                daemon.terminate()

        few = max(3, arguments.rounds // 10)
        s3 = boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1")
        stock = [timed(lambda: s3.upload_file(path, upload.BUCKET, "boto3"))[:2] for _ in range(few)]
        mlflow.set_tracking_uri(f"sqlite:///{directory}/mlflow.db")
        experiment = mlflow.create_experiment("hand-over", artifact_location=f"s3://{upload.BUCKET}/mlflow")
        with mlflow.start_run(experiment_id=experiment):
            tracked = [timed(lambda: mlflow.log_artifact(path))[:2] for _ in range(few)]

    print(f"{arguments.size} MiB{'':26}{'wall ms':>10}{'CPU ms':>10}")
    rows = {
        "artifactd, the call returns": returned,
        "artifactd, ACCEPTED": accepted,
        "of that the disk: one fdatasync": synced,
        "boto3, upload_file": stock,
        "mlflow.log_artifact to S3": tracked,
    }
    for name, samples in rows.items():
        wall, cpu = (statistics.median(column) * 1e3 for column in zip(*samples, strict=True))
        print(f"{name:32}{wall:10.2f}{cpu:10.2f}")


if __name__ == "__main__":
    main()

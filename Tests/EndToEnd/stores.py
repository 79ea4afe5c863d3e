"""S3 servers of the tests' own, and a place in one of them."""

import json
import pathlib
import shutil
import signal
import socket
import subprocess
import urllib.request

import boto3
import botocore.config
import botocore.exceptions

import processes


def client(endpoint):
    return boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id=processes.ACCESS_KEY,
        aws_secret_access_key=processes.SECRET_KEY,
        config=botocore.config.Config(
            max_pool_connections=32, s3={"addressing_style": "path"}, response_checksum_validation="when_required"
        ),
    )


class Place:
    """Where a test's objects go: a bucket, a prefix of the test's own, and a client that is not ours to look with."""

    def __init__(self, endpoint, bucket, prefix):
        self.endpoint = endpoint
        self.bucket = bucket
        self.prefix = prefix
        self.url = f"s3://{bucket}/{prefix}"
        self.s3 = client(endpoint)

    def environment(self, endpoint=None):
        """How the daemon is told to get here, by another way if one is named."""
        return {
            "AWS_ENDPOINT_URL_S3": endpoint or self.endpoint,
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": processes.ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": processes.SECRET_KEY,
        }

    def _of(self, key):
        return {"Bucket": self.bucket, "Key": f"{self.prefix}/{key}"}

    def head(self, key):
        return self.s3.head_object(**self._of(key))

    def holds(self, key):
        try:
            self.head(key)
            return True
        except botocore.exceptions.ClientError as error:
            assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 404
            return False

    def keys(self):
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=self.prefix + "/")
        return [entry["Key"][len(self.prefix) + 1 :] for page in pages for entry in page.get("Contents", [])]

    def read(self, key):
        """The object's bytes with its Content-Encoding undone."""
        answer = self.s3.get_object(**self._of(key))
        return decode(answer["Body"].read(), answer.get("ContentEncoding"))

    def download(self, key, path):
        """The object's bytes as they lie there, to a file; their Content-Encoding."""
        answer = self.s3.get_object(**self._of(key))
        with open(path, "wb") as file:
            shutil.copyfileobj(answer["Body"], file, 1 << 20)
        return answer.get("ContentEncoding")

    def uploads(self):
        """The multipart uploads that were begun below this place and neither completed nor aborted."""
        pages = self.s3.get_paginator("list_multipart_uploads").paginate(Bucket=self.bucket)
        found = [upload for page in pages for upload in page.get("Uploads", [])]
        return [upload for upload in found if upload["Key"].startswith(self.prefix + "/")]

    def parts(self, upload):
        pages = self.s3.get_paginator("list_parts").paginate(
            Bucket=self.bucket, Key=upload["Key"], UploadId=upload["UploadId"]
        )
        return [part for page in pages for part in page.get("Parts", [])]

    def clear(self):
        keys = [{"Key": f"{self.prefix}/{key}"} for key in self.keys()]
        for start in range(0, len(keys), 1000):
            self.s3.delete_objects(Bucket=self.bucket, Delete={"Objects": keys[start : start + 1000], "Quiet": True})


TOOLS = {"gzip": ["gzip", "-dc"], "zstd": ["zstd", "-dcq"]}


def decode(data, encoding):
    """What the stock tool makes of it."""
    if encoding is None:
        return data
    return subprocess.run(TOOLS[encoding], input=data, stdout=subprocess.PIPE, check=True).stdout


class SeaweedFS:
    """A real S3 server, over plain HTTP and TLS, with its data below a directory."""

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        self.authority = self.directory / "ca.pem"
        self._make_certificate()
        self.identities = self.directory / "identities.json"
        self.identities.write_text(
            json.dumps(
                {
                    "identities": [
                        {
                            "name": "tests",
                            "credentials": [{"accessKey": processes.ACCESS_KEY, "secretKey": processes.SECRET_KEY}],
                            "actions": ["Admin", "Read", "Write", "List", "Tagging"],
                        }
                    ]
                }
            )
        )
        # Between the moment a port is found free and the moment the server takes it, anybody may take it. Then the server
        # ends by itself and new ports are tried.
        while not self._start():
            pass

    def _make_certificate(self):
        def openssl(*arguments):
            subprocess.run(["openssl", *arguments], cwd=self.directory, check=True, capture_output=True)

        new = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
        openssl("req", "-x509", *new, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=tests' authority")
        openssl("req", *new, "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=127.0.0.1")
        (self.directory / "san").write_text("subjectAltName=IP:127.0.0.1")
        signing = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", "san"]
        openssl("x509", "-req", "-in", "server.csr", "-out", "server.pem", *signing)

    def _start(self):
        ports = processes.free_ports(9)
        data = self.directory / f"data-{ports[0]}"
        data.mkdir()
        self.endpoint = f"http://127.0.0.1:{ports[6]}"
        self.secure_endpoint = f"https://127.0.0.1:{ports[8]}"
        self._sockets = [
            pathlib.Path(f"/tmp/seaweedfs-{name}-grpc-{port}.sock")
            for name, port in zip(["master", "volume", "filer", "s3"], ports[1:8:2])
        ]
        arguments = f"""
            -logdir={self.directory} server -dir={data} -ip=127.0.0.1 -ip.bind=127.0.0.1
            -master.port={ports[0]} -master.port.grpc={ports[1]} -master.volumeSizeLimitMB=1024
            -volume.port={ports[2]} -volume.port.grpc={ports[3]} -volume.max=60
            -filer -filer.port={ports[4]} -filer.port.grpc={ports[5]} -filer.localSocket={data}/filer.sock
            -s3 -s3.port={ports[6]} -s3.port.grpc={ports[7]} -s3.ip.bind=127.0.0.1 -s3.config={self.identities}
            -s3.localSocket={data}/s3.sock -s3.port.iceberg=0 -s3.port.lance=0
            -s3.port.https={ports[8]} -s3.cert.file={self.directory}/server.pem -s3.key.file={self.directory}/server.key
        """.split()
        with open(self.directory / "weed.log", "ab") as log:
            self._process = processes.start([processes.weed_program(), *arguments], stdout=log, stderr=log)
        return processes.eventually(lambda: self._process.poll() is not None or self._answers(ports), "weed answers", 90) == "up"

    def _answers(self, ports):
        try:
            with urllib.request.urlopen(f"{self.endpoint}/healthz", timeout=2), socket.create_connection(("127.0.0.1", ports[8])):
                return "up"
        except OSError:
            return None

    def make_bucket(self, name):
        s3 = client(self.endpoint)

        def make():
            # The filer registers with the master a moment after the port opens.
            try:
                s3.create_bucket(Bucket=name)
                s3.put_object(Bucket=name, Key="ready", Body=b"")
                return True
            except botocore.exceptions.ClientError:
                return s3.head_bucket(Bucket=name) and None

        processes.eventually(make, f"bucket {name}")
        return name

    def stop(self):
        """Kills it: it can ignore SIGTERM for ten seconds."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()
        for path in self._sockets:
            path.unlink(missing_ok=True)
        for data in self.directory.glob("data-*"):
            shutil.rmtree(data)


class NullS3:
    """The project's own server for faults; it has every bucket."""

    def __init__(self, log, *arguments, port=0):
        self.log = pathlib.Path(log)
        self.arguments = arguments
        self.port = port

    def start(self):
        command = [processes.BINARIES / "null-s3", "--port", self.port, "--log", self.log, *self.arguments]
        self._process = processes.start(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        line = self._process.stdout.readline()
        assert line.startswith("listening 127.0.0.1:"), line
        self.port = int(line.rsplit(":", 1)[1])
        return self

    @property
    def endpoint(self):
        return f"http://127.0.0.1:{self.port}"

    def place(self, bucket="bucket", prefix="place"):
        return Place(self.endpoint, bucket, prefix)

    def stop(self):
        self._process.kill()
        self._process.wait()
        self._process.stdin.close()
        self._process.stdout.close()

    def requests(self):
        """(method, path, query, status, fault) of each request so far."""
        lines = [line.split(" ") for line in self.log.read_text().splitlines()]
        return [(line[1], line[2], line[3], int(line[4]), line[6]) for line in lines]

    def parts_sent(self):
        """The numbers of the parts that were stored, in that order; the probe's own upload left out."""
        return [
            int(query.split("partNumber=")[1].split("&")[0])
            for method, path, query, status, _ in self.requests()
            if method == "PUT" and "partNumber=" in query and status == 200 and ".artifactd" not in path
        ]

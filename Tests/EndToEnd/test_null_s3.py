"""null-s3 itself: what the benchmarks and the fault tests build on.

The binary is looked for in $ARTIFACTD_BIN, else in .build/debug.
"""

import base64
import contextlib
import os
import pathlib
import socket
import subprocess
import time
import urllib.error
import urllib.request

import boto3
import botocore.config
import botocore.exceptions
import pytest

BINARIES = pathlib.Path(os.environ.get("ARTIFACTD_BIN", pathlib.Path(__file__).resolve().parents[2] / ".build" / "debug"))
PART = 5 << 20


@contextlib.contextmanager
def serving(log, *arguments):
    """A null-s3 of the test's own: its port. It ends with its standard input."""
    process = subprocess.Popen(
        [BINARIES / "null-s3", "--port", "0", "--log", log, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        line = process.stdout.readline()
        assert line.startswith("listening 127.0.0.1:"), line
        yield int(line.rsplit(":", 1)[1])
        process.stdin.close()
        assert process.wait(timeout=10) == 0
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def connect(port, attempts=1):
    return boto3.client(
        "s3",
        endpoint_url=f"http://127.0.0.1:{port}",
        region_name="us-east-1",
        aws_access_key_id="key",
        aws_secret_access_key="secret",
        config=botocore.config.Config(retries={"total_max_attempts": attempts}, read_timeout=5, s3={"addressing_style": "path"}),
    )


def error_of(call, **arguments):
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        call(Bucket="b", Key="k", **arguments)
    answer = caught.value.response
    return answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"]


def logged(log):
    """The log's lines: time, method, path, query, status, content length, fault."""
    return [line.split(" ") for line in log.read_text().splitlines()]


def upload(s3, key, parts):
    upload_id = s3.create_multipart_upload(Bucket="b", Key=key, ContentType="x/y", Metadata={"m": "1"})["UploadId"]
    target = {"Bucket": "b", "Key": key, "UploadId": upload_id}
    done = [
        {"PartNumber": number, "ETag": s3.upload_part(**target, PartNumber=number, Body=body)["ETag"]}
        for number, body in enumerate(parts, 1)
    ]
    return target, {"Parts": done}


def crc32c(data):
    """By the definition, bit by bit: the stock client computes it only with an extra library."""
    value = 0xFFFFFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
    return value ^ 0xFFFFFFFF


@pytest.fixture
def log(tmp_path):
    return tmp_path / "requests"


def test_object_comes_back_as_it_went_in(log):
    with serving(log, "--memory") as port:
        s3 = connect(port)
        for key in ["plain", "with space/ü%2e+&<", "e\u0301", "\u00e9"]:
            body = key.encode() * 50_000
            put = s3.put_object(Bucket="b", Key=key, Body=body, ContentEncoding="gzip", Metadata={"a": "1"})
            head = s3.head_object(Bucket="b", Key=key)
            assert (head["ContentLength"], head["ETag"]) == (len(body), put["ETag"])
            assert (head["ContentEncoding"], head["Metadata"]) == ("gzip", {"a": "1"})
            assert s3.get_object(Bucket="b", Key=key)["Body"].read() == body
            assert s3.get_object(Bucket="b", Key=key, Range="bytes=3-7")["Body"].read() == body[3:8]
        keys = [entry["Key"] for entry in s3.list_objects_v2(Bucket="b")["Contents"]]
        assert keys == ["e\u0301", "plain", "with space/ü%2e+&<", "\u00e9"]
        s3.delete_object(Bucket="b", Key="plain")
        assert error_of(s3.get_object) == (404, "NoSuchKey")
    assert [line[1:6] for line in logged(log)][:2] == [
        ["PUT", "/b/plain", "-", "200", "250000"],
        ["HEAD", "/b/plain", "-", "200", "-"],
    ]


def test_without_memory_only_the_size_is_remembered(log):
    with serving(log) as port:
        s3 = connect(port)
        s3.put_object(Bucket="b", Key="k", Body=b"x" * 3_000_000)
        assert s3.head_object(Bucket="b", Key="k")["ContentLength"] == 3_000_000
        assert s3.get_object(Bucket="b", Key="k")["Body"].read() == bytes(3_000_000)


@pytest.mark.parametrize("mode", [[], ["--memory"]])
def test_wrong_checksum_of_a_small_body_is_refused(log, mode):
    right = base64.b64encode((0xE3069283).to_bytes(4, "big")).decode()  # the check value of CRC-32C
    wrong = base64.b64encode(bytes(4)).decode()
    with serving(log, *mode) as port:
        s3 = connect(port)
        assert s3.put_object(Bucket="b", Key="k", Body=b"123456789", ChecksumCRC32C=right)["ChecksumCRC32C"] == right
        assert error_of(s3.put_object, Body=b"123456789", ChecksumCRC32C=wrong) == (400, "BadDigest")
        assert "ChecksumCRC32C" not in s3.head_object(Bucket="b", Key="k", ChecksumMode="DISABLED")
        assert s3.head_object(Bucket="b", Key="k", ChecksumMode="ENABLED")["ChecksumCRC32C"] == right

        created = s3.create_multipart_upload(Bucket="b", Key="k", ChecksumAlgorithm="CRC32C")
        part = {"UploadId": created["UploadId"], "PartNumber": 1, "Body": b"123456789"}
        assert error_of(s3.upload_part, **part, ChecksumCRC32C=wrong) == (400, "BadDigest")
        assert s3.upload_part(Bucket="b", Key="k", **part, ChecksumCRC32C=right)["ChecksumCRC32C"] == right

        plain = s3.create_multipart_upload(Bucket="b", Key="k", ChecksumAlgorithm="SHA256")
        part["UploadId"] = plain["UploadId"]
        assert error_of(s3.upload_part, **part, ChecksumCRC32C=right) == (400, "InvalidRequest")


def test_memory_verifies_the_checksum_of_large_bodies_too(log):
    body = os.urandom(100_003)
    right = base64.b64encode(crc32c(body).to_bytes(4, "big")).decode()
    wrong = base64.b64encode(crc32c(body[1:]).to_bytes(4, "big")).decode()
    with serving(log, "--memory") as port:
        s3 = connect(port)
        assert error_of(s3.put_object, Body=body, ChecksumCRC32C=wrong) == (400, "BadDigest")
        s3.put_object(Bucket="b", Key="k", Body=body, ChecksumCRC32C=right)


def test_multipart_upload_is_joined_in_order(log):
    parts = [os.urandom(PART), os.urandom(PART), b"end"]
    with serving(log, "--memory") as port:
        s3 = connect(port)
        target, done = upload(s3, "k", parts)
        listed = s3.list_parts(**target)["Parts"]
        assert [(part["PartNumber"], part["Size"]) for part in listed] == [(1, PART), (2, PART), (3, 3)]
        second = s3.list_parts(**target, MaxParts=1, PartNumberMarker=1)
        assert ([part["PartNumber"] for part in second["Parts"]], second["IsTruncated"]) == ([2], True)
        uploads = s3.list_multipart_uploads(Bucket="b", Prefix="k")["Uploads"]
        assert [(found["Key"], found["UploadId"]) for found in uploads] == [("k", target["UploadId"])]

        etag = s3.complete_multipart_upload(**target, MultipartUpload=done)["ETag"]
        assert etag.endswith('-3"')
        got = s3.get_object(Bucket="b", Key="k")
        assert (got["Body"].read(), got["ContentType"]) == (b"".join(parts), "x/y")
        assert "Uploads" not in s3.list_multipart_uploads(Bucket="b")
        assert error_of(s3.list_parts, UploadId=target["UploadId"]) == (404, "NoSuchUpload")


def test_what_s3_refuses_of_a_multipart_upload_is_refused(log):
    with serving(log) as port:
        s3 = connect(port)
        target, done = upload(s3, "k", [b"small", b"small"])
        complete = {"UploadId": target["UploadId"]}
        assert error_of(s3.complete_multipart_upload, **complete, MultipartUpload=done) == (400, "EntityTooSmall")
        first, second = done["Parts"]
        backwards = {"Parts": [second, first]}
        assert error_of(s3.complete_multipart_upload, **complete, MultipartUpload=backwards) == (400, "InvalidPartOrder")
        foreign = {"Parts": [{"PartNumber": 1, "ETag": second["ETag"]}]}
        assert error_of(s3.complete_multipart_upload, **complete, MultipartUpload=foreign) == (400, "InvalidPart")
        s3.abort_multipart_upload(**target)
        assert error_of(s3.complete_multipart_upload, **complete, MultipartUpload=done) == (404, "NoSuchUpload")


def test_listing_has_pages_and_groups(log):
    keys = [f"{group}/{number}" for group in "abc" for number in range(4)] + ["top"]
    with serving(log) as port:
        s3 = connect(port)
        for key in keys:
            s3.put_object(Bucket="b", Key=key, Body=b"")
        pages = s3.get_paginator("list_objects_v2")
        found = [entry["Key"] for page in pages.paginate(Bucket="b", MaxKeys=5) for entry in page["Contents"]]
        assert found == keys
        assert [e["Key"] for e in s3.list_objects_v2(Bucket="b", Prefix="b/", StartAfter="b/1")["Contents"]] == keys[6:8]
        grouped = list(pages.paginate(Bucket="b", Delimiter="/", MaxKeys=2))
        assert [p["Prefix"] for page in grouped for p in page.get("CommonPrefixes", [])] == ["a/", "b/", "c/"]
        assert [e["Key"] for page in grouped for e in page.get("Contents", [])] == ["top"]


def test_condition_keeps_an_object_from_being_replaced(log):
    with serving(log) as port:
        s3 = connect(port)
        s3.put_object(Bucket="b", Key="k", Body=b"1", IfNoneMatch="*")
        assert error_of(s3.put_object, Body=b"22", IfNoneMatch="*") == (412, "PreconditionFailed")
        assert s3.head_object(Bucket="b", Key="k")["ContentLength"] == 1


@pytest.mark.parametrize(
    ("what", "expected"),
    [
        ("503slow", (503, "SlowDown")),
        ("500", (500, "InternalError")),
        ("denied", (403, "AccessDenied")),
        ("expired", (403, "ExpiredToken")),
        ("skew", (403, "RequestTimeTooSkewed")),
        ("nosuchupload", (404, "NoSuchUpload")),
    ],
)
def test_fault_answers_the_counted_requests_without_effect(log, what, expected):
    with serving(log, "--fault", f"put:2-3:{what}") as port:
        s3 = connect(port)
        s3.put_object(Bucket="b", Key="before", Body=b"")
        for _ in range(2):
            assert error_of(s3.put_object, Body=b"x" * 100_000) == expected
        assert error_of(s3.head_object) == (404, "404")
        s3.put_object(Bucket="b", Key="k", Body=b"")
    struck = f"put:2-3:{what}"
    assert [line[6] for line in logged(log) if line[1] == "PUT"] == ["-", struck, struck, "-"]


def test_slow_down_says_when_to_come_again(log):
    with serving(log, "--fault", "any:1:503slow=7") as port:
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/b/k", timeout=5)
        assert caught.value.headers["Retry-After"] == "7"
        caught.value.close()


def raw(port, head, body=b""):
    """What the server sends before it closes; None when it resets the connection."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(head.replace("\n", "\r\n").encode() + b"\r\n\r\n" + body)
        answer = b""
        try:
            while piece := connection.recv(65536):
                answer += piece
        except ConnectionResetError:
            return None
        return answer


@pytest.mark.parametrize(
    ("what", "took_effect"), [("reset", False), ("garbage", False), ("200cut", False), ("cut", True), ("swallow", True)]
)
def test_fault_breaks_the_connection(log, what, took_effect):
    with serving(log, "--fault", f"put:1:{what}") as port:
        answer = raw(port, f"PUT /b/k HTTP/1.1\nContent-Length: {1 << 20}", bytes(1 << 20))
        if what == "reset":
            assert answer is None
        elif what == "garbage":
            assert answer and not answer.startswith(b"HTTP")
        elif what == "200cut":
            head, _, body = answer.partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200") and body and not body.strip()
        elif what == "cut":
            assert answer.startswith(b"HTTP/1.1 200") and b"\r\n\r\n" not in answer
        else:
            assert answer == b""
        found = "Contents" in connect(port).list_objects_v2(Bucket="b")
        assert found == took_effect


def test_complete_can_fail_with_status_200(log):
    with serving(log, "--fault", "complete:1:200error") as port:
        target, done = upload(connect(port), "k", [b"only"])
        head = f"POST /b/k?uploadId={target['UploadId']} HTTP/1.1\nConnection: close\nContent-Length: 0"
        answer = raw(port, head)
        assert answer.startswith(b"HTTP/1.1 200 OK") and b"<Error><Code>InternalError" in answer
        # botocore knows this trap and calls it a failure worth another attempt: the fault is over by then.
        connect(port).complete_multipart_upload(**target, MultipartUpload=done)


def test_shifted_clock_takes_only_requests_dated_by_it(log):
    with serving(log, "--fault", "any:1-1000:skew=3600") as port:

        def head(seconds):
            date = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(time.time() + seconds))
            return f"PUT /b/k HTTP/1.1\nConnection: close\nContent-Length: 0\nx-amz-date: {date}"

        refused = raw(port, head(0)).decode()
        assert refused.startswith("HTTP/1.1 403") and "RequestTimeTooSkewed" in refused
        assert raw(port, head(3600)).startswith(b"HTTP/1.1 200")


def test_hang_delays_and_redirect_names_another_host(log):
    with serving(log, "--fault", "head:1:hang=300", "--fault", "get:1:redirect") as port:
        begin = time.monotonic()
        assert raw(port, "HEAD /b/k HTTP/1.1\nConnection: close").startswith(b"HTTP/1.1 404")
        assert time.monotonic() - begin >= 0.3
        answer = raw(port, "GET /b/k?x=1 HTTP/1.1\nConnection: close").decode()
        assert answer.startswith("HTTP/1.1 307") and f"Location: http://localhost:{port}/b/k?x=1\r\n" in answer


def test_chance_strikes_the_same_requests_in_every_run(log, tmp_path):
    def statuses(path):
        with serving(path, "--fault", "put:p0.3:503slow") as port:
            for _ in range(100):
                raw(port, "PUT /b/k HTTP/1.1\nConnection: close\nContent-Length: 0")
        return [line[4] for line in logged(path)]

    first = statuses(log)
    assert statuses(tmp_path / "again") == first
    assert 15 <= first.count("503") <= 45


def test_chunked_bodies_are_measured(log):
    chunks = b"5\r\nhello\r\n" + b"3;x=y\r\n wo\r\n" + b"0\r\n\r\n"
    with serving(log, "--memory") as port:
        answer = raw(port, "PUT /b/k HTTP/1.1\nConnection: close\nTransfer-Encoding: chunked", chunks)
        assert answer.startswith(b"HTTP/1.1 200")
        assert connect(port).get_object(Bucket="b", Key="k")["Body"].read() == b"hello wo"


def test_misuse_is_explained(tmp_path):
    for arguments in [["--fault", "put:0:500"], ["--fault", "put:1:nonsense"], ["--port", "x"], ["--nope"]]:
        done = subprocess.run([BINARIES / "null-s3", *arguments], capture_output=True, text=True, timeout=10)
        assert done.returncode == 2
        assert arguments[0] in done.stderr

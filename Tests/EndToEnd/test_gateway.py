"""The gateway: what curl, requests, schemathesis, slow and hostile clients get, and what is in the store then."""

import collections
import concurrent.futures
import grp
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest
import requests

import gateway as gateways
from gateway import TENANT, form, read_answer, upload_head
from processes import eventually

API = "/api/v1/experiments"


@pytest.fixture
def gateway_for(tmp_path):
    """Makes and starts gateways."""
    made = []

    def make(daemon, **options):
        made.append(gateways.Gateway(tmp_path / f"g{len(made)}", daemon.socket, **options))
        return made[-1].start()

    yield make
    for one in made:
        one.close()
        print(f"--- {one.log_path}\n{one.log()}")


class Api:
    """The API as a client sees it."""

    def __init__(self, gateway, tenant=TENANT, token=None):
        self.gateway = gateway
        self.session = requests.Session()
        self.session.headers["X-Tenant-ID"] = tenant
        if token:
            self.session.headers["Authorization"] = f"Bearer {token}"

    def __call__(self, method, path, status=None, **options):
        answer = self.session.request(method, self.gateway.url + path, timeout=120, **options)
        assert answer.headers["X-Request-ID"]
        if status is not None:
            assert answer.status_code == status, answer.text
        if answer.status_code >= 400 and method != "HEAD":
            check_error(answer)
        return answer

    def run(self, name="fraud-detection", **options):
        return self("POST", f"{API}/runs", 201, json={"experiment_name": name, **options}).json()

    def upload(self, run, content, name="file.bin", path=None, status=201, **options):
        data = {} if path is None else {"artifact_path": path}
        return self("POST", f"{API}/runs/{run}/log-artifact", status, files={"file": (name, content)}, data=data, **options)


CODES = {
    "VALIDATION_FAILED": 400, "UNAUTHORIZED": 401, "FORBIDDEN": 403, "TENANT_MISMATCH": 403, "RESOURCE_NOT_FOUND": 404,
    "METHOD_NOT_ALLOWED": 405, "NOT_ACCEPTABLE": 406, "REQUEST_TIMEOUT": 408, "CONFLICT": 409, "PAYLOAD_TOO_LARGE": 413, "HEADER_TOO_LARGE": 431, "RANGE_NOT_SATISFIABLE": 416,
    "RATE_LIMITED": 429, "INTERNAL_ERROR": 500, "SERVICE_UNAVAILABLE": 503,
}  # fmt: skip


def check_error(answer, code=None):
    """That a refusal has the platform's shape."""
    document = answer.json()
    assert set(document) == {"success", "error", "metadata"} and document["success"] is False
    assert set(document["error"]) == {"code", "category", "message", "details"}
    assert set(document["metadata"]) == {"timestamp", "requestId", "version"}
    assert CODES[document["error"]["code"]] == answer.status_code
    assert document["metadata"]["requestId"] == answer.headers["X-Request-ID"]
    assert ("Retry-After" in answer.headers) == (answer.status_code in (429, 503))
    assert code in (None, document["error"]["code"]), document


@pytest.fixture
def api(daemons, gateway_for):
    """A gateway before a daemon with a directory as its store."""
    return Api(gateway_for(daemons()))


# MARK: Uploads


def test_curl_uploads_to_s3(on_seaweedfs, place, gateway_for, tmp_path):
    """What curl sends is answered as documented, and lies in S3 at the documented key."""
    gateway = gateway_for(on_seaweedfs)
    api = Api(gateway)
    experiment = api("POST", API, 201, json={"name": "fraud-detection"}).json()
    run = api.run(run_id="run-1")["run_id"]
    content = os.urandom(3_000_000)
    (tmp_path / "model.pkl").write_bytes(content)
    url = f"{gateway.url}{API}/runs/{run}/log-artifact?wait=stored"
    arguments = ["-sS", "-F", f"file=@{tmp_path}/model.pkl", "-F", "artifact_path=models/", "-H", f"X-Tenant-ID: {TENANT}"]
    done = subprocess.run(["curl", *arguments, "-D", tmp_path / "head", url], capture_output=True, check=True, timeout=120)
    assert done.stdout == b'{"message": "Artifact logged", "run_id": "run-1", "artifact": "models/model.pkl"}'
    head = (tmp_path / "head").read_text()
    assert "201 Created" in head and "X-Job-ID: " in head
    uri = f"{place.url}/experiments/{experiment['id']}/runs/run-1/artifacts/models/model.pkl"
    assert f"X-Artifact-URI: {uri}" in head
    assert place.read(uri.removeprefix(place.url + "/")) == content


def test_requests_uploads(api):
    """The same with requests, in either order of the parts, with and without a directory; what is stored is what was sent."""
    run = api.run()["run_id"]
    cases = {
        ("model.pkl", "models/"): "models/model.pkl", ("a.txt", None): "a.txt", ("b.json", "config"): "config/b.json",
        ("c d.bin", "deep/er//"): "deep/er/c d.bin", ("größe.pt", "ä/"): "ä/größe.pt",
    }  # fmt: skip
    for (name, directory), path in cases.items():
        for size in (0, 1, 65_536, 65_537, 1_000_000):
            content = os.urandom(size)
            answer = api.upload(run, content, name, directory, params={"wait": "stored"})
            assert answer.json() == {"message": "Artifact logged", "run_id": run, "artifact": path}
            assert api("GET", answer.headers["Location"], 200).content == content
    listed = api("GET", f"{API}/runs/{run}/artifacts", 200).json()["artifacts"]
    assert sorted(one["path"] for one in listed) == sorted(cases.values())
    assert [one["path"] for one in api("GET", f"{API}/runs/{run}/artifacts?kind=model").json()["artifacts"]] == [
        "models/model.pkl", "ä/größe.pt",
    ]  # fmt: skip
    assert len(api("GET", f"{API}/runs/{run}/artifacts?path=config/").json()["artifacts"]) == 1


def test_either_order(api):
    """`artifact_path` may stand before the file or behind it."""
    run = api.run()["run_id"]
    for first in ("file", "artifact_path"):
        parts = [("file", ("a.bin", b"content")), ("artifact_path", (None, "d"))]
        parts.sort(key=lambda part: part[0] != first)
        assert api("POST", f"{API}/runs/{run}/log-artifact", 201, files=parts).json()["artifact"] == "d/a.bin"


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "..\\..\\passwd", "C:\\x\\passwd", "a/../passwd"])
def test_file_names_make_no_directories(api, name):
    """Of directories in a file's name nothing is believed."""
    run = api.run()["run_id"]
    body, kind = form(b"content", name.replace("\\", "\\\\"), "d")
    answer = api("POST", f"{API}/runs/{run}/log-artifact", 201, data=body, headers={"Content-Type": kind})
    assert answer.json()["artifact"] == "d/passwd"


@pytest.mark.parametrize(
    "path", ["../x", "a/../b", "./a", "/abs", "a//b", "a\nb", "x" * 1100, "..", "."], ids=lambda path: repr(path[:8])
)
def test_bad_directories_are_refused(api, path):
    """A directory that cannot be part of a key is a mistake of the caller's."""
    run = api.run()["run_id"]
    check_error(api.upload(run, b"content", path=path, status=400), "VALIDATION_FAILED")


def test_bad_forms_are_refused(api):
    """What is no form of this kind is refused, says why, and leaves no artifact."""
    run = api.run()["run_id"]
    good, kind = form(b"content")
    mistakes = [
        (good, "application/json"), (good, "multipart/form-data"), (good[:-8], kind), (b"", kind), (b"--xXx--\r\n", kind),
        (good.replace(b"xXx--", b"xXxyy"), kind), (good.replace(b"form-data", b"attachment"), kind),
        (good.replace(b'; filename="file.bin"', b""), kind), (good.replace(b"file.bin", b".."), kind),
        (good.replace(b'name="file"', b'name="other"'), kind), (good[:-7] + b"\r\n" + good, kind),
        (good.replace(b"\r\n\r\n", b"\r\nX: " + b"y" * 9000 + b"\r\n\r\n"), kind),
        (good.replace(b"\r\n\r\n", b"\r\nContent-Transfer-Encoding: base64\r\n\r\n"), kind),
    ]  # fmt: skip
    for body, content_type in mistakes:
        answer = api("POST", f"{API}/runs/{run}/log-artifact", 400, data=body, headers={"Content-Type": content_type})
        check_error(answer, "VALIDATION_FAILED")
    assert api("GET", f"{API}/runs/{run}/artifacts").json()["artifacts"] == []


def test_idempotency(api):
    """An upload that is sent again is the same one, also when the run has ended; under its key nothing else is taken."""
    run = api.run()["run_id"]
    content = os.urandom(100_000)
    header = {"X-Idempotency-Key": "key-1"}
    first = api.upload(run, content, headers=header)
    again = api.upload(run, content, headers=header)
    assert first.headers["X-Job-ID"] == again.headers["X-Job-ID"]
    assert "X-Idempotent-Replay" not in first.headers and again.headers["X-Idempotent-Replay"] == "true"
    check_error(api.upload(run, content, "other.bin", status=409, headers=header), "CONFLICT")
    api("POST", f"{API}/runs/{run}/end", 200, json={"status": "finished"})
    assert api.upload(run, content, headers=header).headers["X-Job-ID"] == first.headers["X-Job-ID"]
    check_error(api.upload(run, content, status=409), "CONFLICT")
    check_error(api.upload(run, content, status=400, headers={"X-Idempotency-Key": "k" * 129}), "VALIDATION_FAILED")


def test_early_answers(daemons, gateway_for):
    """A refusal reaches a client that is still sending, which is not made to send everything."""
    gateway = gateway_for(daemons(), settings={"max_body": "1MiB"})
    run = Api(gateway).run()["run_id"]
    for target, length, status in ((run, 1 << 34, 413), ("no-run", 100_000, 404)):
        with gateway.connect() as connection:
            connection.sendall(upload_head(target, length))
            assert read_answer(connection)[0] == status
    with gateway.connect() as connection:
        # Without a length the limit is met on the way.
        connection.sendall(upload_head(run, 0).replace(b"Content-Length: 0", b"Transfer-Encoding: chunked"))
        begin = form(b"")[0].split(b"\r\n\r\n")[0] + b"\r\n\r\n"
        connection.sendall(b"%x\r\n%s\r\n" % (len(begin), begin))
        refused = False
        for _ in range(64):
            try:
                connection.sendall(b"10000\r\n" + bytes(65_536) + b"\r\n")
            except (BrokenPipeError, ConnectionResetError):
                refused = True
                break
        assert refused or read_answer(connection)[0] == 413


def test_expect_continue(api):
    """A client that waits to be told sends only what is wanted."""
    run = api.run()["run_id"]
    body, _ = form(b"content")
    for target, first in ((run, b"HTTP/1.1 100 Continue\r\n\r\n"), ("no-run", b"HTTP/1.1 404 Not Found\r\n")):
        with api.gateway.connect() as connection:
            connection.sendall(upload_head(target, len(body)).replace(b"\r\n\r\n", b"\r\nExpect: 100-continue\r\n\r\n"))
            assert connection.recv(len(first), socket.MSG_WAITALL) == first
            if target == run:
                connection.sendall(body)
                assert read_answer(connection)[0] == 201


def test_pieces_of_any_size(api):
    """A form that comes in pieces of one byte, chunked or not, is the form; requests can be pipelined."""
    run = api.run()["run_id"]
    content = b"\r\n--xX almost\r\n" * 50
    body, _ = form(content, "a.bin")
    with api.gateway.connect() as connection:
        head = upload_head(run, 0).replace(b"Content-Length: 0", b"Transfer-Encoding: chunked")
        connection.sendall(head + b"".join(b"1\r\n%c\r\n" % byte for byte in body) + b"0\r\n\r\n")
        assert read_answer(connection)[0] == 201
    with api.gateway.connect() as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in upload_head(run, len(body)) + body:
            connection.send(bytes([byte]))
        assert read_answer(connection)[0] == 201
    probe = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with api.gateway.connect() as connection:
        connection.sendall(probe * 3 + upload_head(run, len(body)) + body + probe)
        received = b""
        while received.count(b"HTTP/1.1 ") < 5 or not received.endswith(b"}"):
            received += connection.recv(65_536)
        assert re.findall(rb"HTTP/1\.1 (\d+)", received) == [b"200"] * 3 + [b"201", b"200"]


def test_waiting_for_stored(daemons, place, relay, gateway_for):
    """With ?wait=stored the answer comes when it is stored; where the time is up before, 202 says that it is durable."""
    wire = relay(place.endpoint)
    daemon = daemons(place.url, place.environment(endpoint=wire.endpoint))
    api = Api(gateway_for(daemon))
    run = api.run()["run_id"]
    assert api.upload(run, b"one", params={"wait": "stored"}).json()["message"] == "Artifact logged"
    wire.down()
    late = api.upload(run, b"two", "late.bin", status=202, params={"wait": "stored", "timeout": 1})
    assert late.json()["artifact"] == "late.bin" and "not stored yet" in late.json()["message"]
    wire.up()
    eventually(lambda: api("GET", late.headers["Location"]).status_code == 200, "the artifact is stored")


def test_what_the_store_refuses_is_no_503(daemons, null_s3, gateway_for):
    """What will never be stored is 409, so that nobody who comes again after 503 does so for ever; it is said as what, by which job."""
    place = null_s3("--memory", "--fault", "put:1-1000:redirect").place()
    api = Api(gateway_for(daemons(place.url, place.environment())))
    run = api.run()["run_id"]
    for _ in range(2):
        refused = api.upload(run, b"x", status=409, params={"wait": "stored"}, headers={"X-Idempotency-Key": "once"})
        check_error(refused, "CONFLICT")
        details = refused.json()["error"]["details"]
        assert details["reason"] == "store_rejected" and details["job_id"]
        assert f"runs/{run}/artifacts/file.bin'" in refused.json()["error"]["message"]
    download = api("GET", f"{API}/runs/{run}/artifacts/file.bin", 409).json()["error"]
    assert download["details"]["job_id"] == details["job_id"]


# MARK: Experiments, runs, artifacts


def test_experiments(api):
    """Experiments are created, read, listed, changed, archived and restored."""
    made = api("POST", API, 201, json={"name": "a/b ü", "description": "d", "tags": {"k": "v"}})
    experiment = made.json()
    assert made.headers["Location"] == f"{API}/{experiment['id']}"
    assert (experiment["name"], experiment["tags"], experiment["lifecycle_stage"]) == ("a/b ü", {"k": "v"}, "active")
    check_error(api("POST", API, 409, json={"name": "a/b ü"}), "CONFLICT")
    path = made.headers["Location"]
    assert api("GET", path, 200).json() == experiment
    changed = api("PATCH", path, 200, json={"description": "", "tags": {"k": None, "l": "m"}}).json()
    assert (changed["description"], changed["tags"]) == ("", {"l": "m"})
    check_error(api("PATCH", path, 409, json={"name": "other"}), "CONFLICT")
    assert api("DELETE", path, 200).json()["lifecycle_stage"] == "deleted"
    check_error(api("POST", f"{API}/runs", 409, json={"experiment_id": experiment["id"]}), "CONFLICT")
    assert api("POST", f"{path}/restore", 200).json()["lifecycle_stage"] == "active"
    for number in range(5):
        api("POST", API, 201, json={"name": f"many-{number}"})
    api("DELETE", f"{API}/{api('GET', API, params={'search': 'MANY-4'}).json()['experiments'][0]['id']}", 200)
    page = api("GET", API, 200, params={"search": "many", "limit": 2, "offset": 1, "lifecycle_stage": "active"}).json()
    assert [one["name"] for one in page["experiments"]] == ["many-1", "many-2"]
    assert (page["total"], page["limit"], page["offset"]) == (4, 2, 1)


def test_runs(api):
    """Runs are started, read, listed and ended."""
    experiment = api("POST", API, 201, json={"name": "e"}).json()["id"]
    made = api("POST", f"{API}/runs", 201, json={"experiment_id": experiment, "run_id": "r-1", "name": "n", "tags": {"a": "b"}})
    run = made.json()
    assert made.headers["Location"] == f"{API}/runs/r-1" and run["artifact_uri"].endswith(f"/experiments/{experiment}/runs/r-1/artifacts")
    assert api("GET", f"{API}/runs/r-1", 200).json() == run
    ended = api("POST", f"{API}/runs/r-1/end", 200, json={"status": "failed"}).json()
    assert ended["status"] == "failed" and ended["ended_at"] >= run["started_at"]
    assert api("POST", f"{API}/runs/r-1/end", 200, json={"status": "failed"}).json()["status"] == "failed"
    check_error(api("POST", f"{API}/runs/r-1/end", 409), "CONFLICT")
    second = api.run("e")["run_id"]
    assert api("POST", f"{API}/runs/{second}/end", 200).json()["status"] == "finished"
    assert [one["run_id"] for one in api("GET", f"{API}/runs", params={"experiment_id": experiment}).json()["runs"]] == [second, "r-1"]
    assert [one["run_id"] for one in api("GET", f"{API}/runs?status=failed").json()["runs"]] == ["r-1"]


@pytest.mark.parametrize(
    ("method", "path", "status", "options"),
    [
        ("GET", f"{API}/no-id", 404, {}), ("GET", f"{API}/00000000-0000-5000-8000-000000000000", 404, {}),
        ("GET", f"{API}/runs/none", 404, {}), ("GET", f"{API}/runs/a.b", 404, {}), ("GET", f"{API}/runs/none/artifacts", 404, {}),
        ("GET", f"{API}?limit=0", 400, {}), ("GET", f"{API}?limit=1001", 400, {}), ("GET", f"{API}?offset=-1", 400, {}),
        ("GET", f"{API}?lifecycle_stage=gone", 400, {}), ("GET", f"{API}?limt=3", 400, {}), ("GET", f"{API}?search=%ff", 400, {}),
        ("GET", f"{API}/runs?status=new", 400, {}), ("POST", API, 400, {"data": b"{"}), ("POST", API, 400, {"data": b""}),
        ("POST", API, 400, {"json": {}}), ("POST", API, 400, {"json": {"name": 3}}), ("POST", API, 400, {"json": {"name": ""}}),
        ("POST", API, 400, {"json": {"name": "x" * 256}}), ("POST", API, 400, {"json": {"name": "x", "nmae": "y"}}),
        ("POST", API, 400, {"json": {"name": "x", "description": None}}), ("POST", API, 400, {"json": [1]}),
        ("POST", API, 400, {"json": {"name": "x", "artifact_location": "s3://elsewhere/x"}}),
        ("POST", API, 413, {"json": {"name": "x", "description": "y" * (1 << 20)}}), ("POST", f"{API}/runs", 400, {"json": {}}),
        ("POST", f"{API}/runs", 400, {"json": {"experiment_id": "a", "experiment_name": "b"}}),
        ("POST", API, 400, {"data": b"name=x", "headers": {"Content-Type": "application/x-www-form-urlencoded"}}),
        ("PUT", API, 405, {}), ("DELETE", f"{API}/runs/x", 405, {}), ("GET", f"{API}/runs/x/log-artifact", 405, {}),
        ("PUT", f"{API}/no-id", 404, {}), ("GET", f"{API}/compare", 404, {}), ("POST", f"{API}/compare", 404, {}),
        ("GET", f"{API}/runs/compare", 404, {}), ("POST", f"{API}/runs/compare", 404, {}),
        # Of the platform's others.
        ("POST", f"{API}/runs/x/log-metric", 404, {}), ("GET", f"{API}/runs/x/params", 404, {}), ("GET", "/", 404, {}),
        ("GET", f"{API}/%2e%2e/%2e%2e/healthz", 404, {}), ("GET", f"{API}/", 404, {}),
    ],
)  # fmt: skip
def test_mistakes(api, method, path, status, options):
    """Each mistake has its status, the platform's shape, and a sentence that says what to change."""
    assert api(method, path, status, **options).json()["error"]["message"]


def test_tenants_do_not_mix(api):
    """Another tenant's experiment, run and artifacts are out of reach, and said to be."""
    run = api.run()
    api.upload(run["run_id"], b"content", params={"wait": "stored"})
    other = Api(api.gateway, "other")
    for method, path in [
        ("GET", f"{API}/{run['experiment_id']}"), ("GET", f"{API}/runs/{run['run_id']}"), ("POST", f"{API}/runs/{run['run_id']}/end"),
        ("GET", f"{API}/runs/{run['run_id']}/artifacts"), ("GET", f"{API}/runs/{run['run_id']}/artifacts/file.bin"),
    ]:  # fmt: skip
        check_error(other(method, path, 403), "TENANT_MISMATCH")
    check_error(other.upload(run["run_id"], b"x", status=403), "TENANT_MISMATCH")
    assert other("GET", API, 200).json()["experiments"] == []
    check_error(Api(api.gateway, "a/b")("GET", API, 400), "VALIDATION_FAILED")


def stored(place, answer):
    """The bytes of an answer's object as a stock client finds them in S3."""
    key = answer.headers["X-Artifact-URI"].removeprefix(place.url + "/")
    return place.s3.get_object(Bucket=place.bucket, Key=f"{place.prefix}/{key}")["Body"].read()


def bare(api, path, status, accept=None, method="GET", **headers):
    """An answer and its body, byte for byte as it came."""
    headers |= {"Accept-Encoding": accept}
    answer = api(method, path, status, headers=headers, stream=True)
    return answer, answer.raw.read(decode_content=False)


def test_downloads(on_seaweedfs, place, gateway_for):
    """What is stored as it is comes back byte for byte; ranges, tags and HEAD are honoured."""
    api = Api(gateway_for(on_seaweedfs))
    run = api.run()["run_id"]
    noise = os.urandom(20_000_000)
    size = len(noise)
    path = api.upload(run, noise, "noise.bin", params={"wait": "stored"}).headers["Location"]
    for accept in (None, "gzip, zstd", "identity", "*"):
        whole, body = bare(api, path, 200, accept)
        assert body == noise == stored(place, whole)
        assert whole.headers["Accept-Ranges"] == "bytes" and whole.headers["Content-Length"] == str(size)
        assert "Content-Encoding" not in whole.headers and whole.headers["Vary"] == "Accept-Encoding"
    tag = whole.headers["ETag"]
    assert tag == place.head(whole.headers["X-Artifact-URI"].removeprefix(place.url + "/"))["ETag"]
    for header, first, last in (
        ("bytes=0-0", 0, 0), ("bytes=100-", 100, size - 1), ("bytes=-5", size - 5, size - 1), ("bytes=1-99999999", 1, size - 1),
        ("bytes=8388600-8388620", 8388600, 8388620), (f"bytes=-{size + 1}", 0, size - 1), (f"bytes={size - 1}-", size - 1, size - 1),
        ("bytes=0-99999999999999999999999", 0, size - 1),
    ):  # fmt: skip
        part = api("GET", path, 206, headers={"Range": header, "If-Range": tag})
        assert part.content == noise[first : last + 1] and part.headers["Content-Range"] == f"bytes {first}-{last}/{size}"
        assert part.headers["ETag"] == tag
    for header in (f"bytes={size}-", "bytes=99999999-", "bytes=-0", "bytes=99999999999999999999-"):
        assert api("GET", path, 416, headers={"Range": header}).headers["Content-Range"] == f"bytes */{size}"
    for headers in ({"Range": "bytes=0-1,5-6"}, {"Range": "bytes=0-1", "If-Range": '"other"'}, {"Range": "bytes=5-2"}):
        assert api("GET", path, 200, headers=headers).content == noise
    assert api("GET", path, 304, headers={"If-None-Match": tag}).content == b""
    for header in ("bytes=0-1", f"bytes={size}-"):
        head = api("HEAD", path, 200, headers={"Range": header})
        assert head.headers["Content-Length"] == str(size) and head.headers["ETag"] == tag and head.content == b""
    check_error(api("GET", path, 406, headers={"Accept-Encoding": "gzip, identity;q=0"}), "NOT_ACCEPTABLE")
    empty = api.upload(run, b"", "empty", params={"wait": "stored"}).headers["Location"]
    assert api("GET", empty, 200).content == b""
    assert api("GET", empty, 416, headers={"Range": "bytes=0-"}).headers["Content-Range"] == "bytes */0"
    assert api("GET", "/healthz", 200).json() == {"status": "ok"}
    check_error(api("GET", f"{API}/runs/{run}/artifacts/none", 404), "RESOURCE_NOT_FOUND")


@pytest.mark.parametrize(("coding", "other"), [("zstd", "gzip"), ("gzip", "zstd")])
def test_downloads_of_encoded_artifacts(daemons, place, gateway_for, coding, other):
    """An artifact that is compressed in the store comes decoded, or as it is stored to a client that takes its coding."""
    api = Api(gateway_for(daemons(place.url, place.environment(), settings={"compression": coding})))
    run = api.run()["run_id"]
    text = b"".join(b'{"step": %d, "loss": 0.5}\n' % number for number in range(1_000_000))
    path = api.upload(run, text, "log.jsonl", params={"wait": "stored"}).headers["Location"]
    listed = api("GET", f"{API}/runs/{run}/artifacts").json()["artifacts"][0]
    assert listed["encoding"] == coding and listed["stored_size"] < listed["size"] == len(text)
    for accept in (None, "", "identity", other, f"{other}, deflate", f"{coding};q=0", f"{coding};q=0.2, identity", "*"):
        decoded, body = bare(api, path, 200, accept)
        assert body == text and "Content-Encoding" not in decoded.headers, accept
        assert decoded.headers["Content-Length"] == str(len(text)) and decoded.headers["Accept-Ranges"] == "none"
    for accept in (coding, f"{other}, {coding}", f"{coding};q=0.5", "*, identity;q=0", "identity;q=0.1, *"):
        raw, body = bare(api, path, 200, accept)
        assert body == stored(place, raw) and raw.headers["Content-Encoding"] == coding, accept
        assert raw.headers["Content-Length"] == str(listed["stored_size"]) and raw.headers["Vary"] == "Accept-Encoding"
    assert raw.headers["ETag"].startswith('"') and decoded.headers["ETag"].startswith('W/"')
    for accept, answer, foreign in ((coding, raw, decoded), ("identity", decoded, raw)):
        assert bare(api, path, 304, accept, **{"If-None-Match": answer.headers["ETag"]})[1] == b""
        assert bare(api, path, 200, accept, **{"If-None-Match": foreign.headers["ETag"]})[1]
        head, _ = bare(api, path, 200, accept, method="HEAD")
        assert head.headers["Content-Length"] == answer.headers["Content-Length"] and head.headers["ETag"] == answer.headers["ETag"]
        assert head.headers.get("Content-Encoding") == answer.headers.get("Content-Encoding")
        # A range would be of other bytes than the client thinks: the whole is answered.
        assert bare(api, path, 200, accept, Range="bytes=0-9")[1] == (text if answer is decoded else body)
    refusal = api("GET", path, 406, headers={"Accept-Encoding": f"identity;q=0, {other}"})
    check_error(refusal, "NOT_ACCEPTABLE")
    assert refusal.headers["Vary"] == "Accept-Encoding"


def test_a_range_reads_nothing_else(daemons, place, relay, gateway_for):
    """Of a range nothing but its own bytes comes from the store."""
    between = relay(place.endpoint)
    api = Api(gateway_for(daemons(place.url, place.environment(between.endpoint))))
    run = api.run()["run_id"]
    noise = os.urandom(64 << 20)
    path = api.upload(run, noise, "noise.bin", params={"wait": "stored"}).headers["Location"]
    before = between.received
    assert api("GET", path, 206, headers={"Range": "bytes=50000000-50000999"}).content == noise[50_000_000:50_001_000]
    # With the answers' headers, and the registry's questions.
    assert between.received - before < 20_000


def test_an_artifact_replaced_during_a_download(on_seaweedfs, place, gateway_for):
    """A download of an object that is replaced meanwhile breaks off: no answer is made of two objects."""
    gateway = gateway_for(on_seaweedfs)
    api = Api(gateway)
    run = api.run()["run_id"]
    content = os.urandom(64 << 20)
    upload = api.upload(run, content, "noise.bin", params={"wait": "stored"})
    with gateway.connect() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
        request = f"GET {upload.headers['Location']} HTTP/1.1\r\nHost: localhost\r\nX-Tenant-ID: {TENANT}\r\nX-Request-ID: breaks\r\n\r\n"
        connection.sendall(request.encode())
        found = b""
        while b"\r\n\r\n" not in found:
            found += connection.recv(1000)
        key = upload.headers["X-Artifact-URI"].removeprefix(place.url + "/")
        place.s3.put_object(Bucket=place.bucket, Key=f"{place.prefix}/{key}", Body=content[::-1])
        while piece := connection.recv(1 << 20):
            found += piece
    head, body = found.split(b"\r\n\r\n", 1)
    assert head.startswith(b"HTTP/1.1 200") and f"content-length: {len(content)}".encode() in head.lower()
    assert len(body) < len(content) and content.startswith(body)
    (line,) = [line for line in gateway.log().splitlines() if "a download breaks off" in line]
    assert "request_id=breaks" in line and "the artifact was replaced" in line and "APIError" not in line
    # Nobody said anything of another object yet: what is there now is what is asked for.
    assert api("GET", upload.headers["Location"], 206, headers={"Range": "bytes=0-9"}).content == content[::-1][:10]


# MARK: Callers


def test_tokens(daemons, gateway_for):
    """On TCP a token is needed, stands for its tenants alone, can be taken back, and never stands in the log."""
    secret, other, watcher = "a-token-of-the-tests", "another-token", "a-watcher"
    tokens = {"ci": (secret, TENANT), "both": (other, f"{TENANT},other"), "prometheus": (watcher, "-")}
    gateway = gateway_for(daemons(), tokens=tokens)
    ci = Api(gateway, token=secret)
    assert ci("GET", API, 200)
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": secret}, {"Authorization": f"Basic {secret}"}):
        answer = requests.get(gateway.url + API, headers={"X-Tenant-ID": TENANT, **headers}, timeout=60)
        check_error(answer, "UNAUTHORIZED")
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    check_error(Api(gateway, "other", secret)("GET", API, 403), "FORBIDDEN")
    assert Api(gateway, "other", other)("GET", API, 200)
    bearer = {"Authorization": f"Bearer {secret}"}
    assert requests.get(gateway.url + API, headers=bearer, timeout=60).status_code == 200
    check_error(requests.get(gateway.url + API, headers={"Authorization": f"Bearer {other}"}, timeout=60), "VALIDATION_FAILED")
    for path in ("/healthz", "/readyz", "/api/v1/openapi.json"):
        assert requests.get(gateway.url + path, timeout=60).status_code == 200
    check_error(requests.get(gateway.url + "/metrics", timeout=60), "UNAUTHORIZED")
    assert requests.get(gateway.url + "/metrics", headers={"Authorization": f"Bearer {watcher}"}, timeout=60).status_code == 200
    check_error(Api(gateway, TENANT, watcher)("GET", API, 403), "FORBIDDEN")
    check_error(requests.get(gateway.url + API, headers={"Authorization": f"Bearer {watcher}"}, timeout=60), "FORBIDDEN")
    # Of jobs, a tenant's token sees its tenant's alone, and who acts for no tenant sees all.
    for tenant in (TENANT, "other"):
        everybody = Api(gateway, tenant, other)
        everybody.upload(everybody.run()["run_id"], b"x")
    for token, tenants in ((secret, {TENANT}), (other, {TENANT, "other"}), (watcher, {TENANT, "other"})):
        text = requests.get(gateway.url + "/metrics", headers={"Authorization": f"Bearer {token}"}, timeout=60).text
        assert set(re.findall(r'tenant="([^"]*)"', text)) == tenants
    del tokens["ci"]
    gateway.write_tokens(tokens)
    gateway.process.send_signal(1)
    eventually(lambda: "msg=\"tokens read\"" in gateway.log(), "the tokens are read again")
    check_error(ci("GET", API, 401), "UNAUTHORIZED")
    gateway.token_path.write_text("nonsense\n")
    gateway.process.send_signal(1)
    eventually(lambda: "stay" in gateway.log(), "the file is refused")
    assert Api(gateway, TENANT, other)("GET", API, 200)
    assert not any(token in gateway.log() for token in (secret, other, watcher))


@pytest.mark.parametrize(
    "arguments",
    [
        ["--listen", "127.0.0.1:0"], ["--listen", "0.0.0.0:0", "--allow-anonymous-loopback"], ["--listen", "nowhere"],
        ["--config", "/nonexistent"], ["--what"],
    ],
)  # fmt: skip
def test_refuses_to_start_open_to_all(arguments):
    """Without tokens it starts on loopback alone, and only when told so; wrong usage ends with 2."""
    done = subprocess.run([gateways.processes.BINARIES / "artifact-gateway", *arguments], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2 and done.stderr


def test_web_pages_cannot_act_anonymously(api):
    """A page in somebody's browser gets nowhere without a token."""
    check_error(api("POST", API, 403, json={"name": "x"}, headers={"Origin": "https://evil.example"}), "FORBIDDEN")


@pytest.mark.skipif(os.geteuid() != 0, reason="needs other users")
def test_unix_socket(daemons, gateway_for, tmp_path):
    """On a Unix socket the peer's uid says for whom it may act, or any of its groups."""
    place = tmp_path / "http.sock"
    group = grp.getgrnam("users")
    settings = {"peers": [{"uid": 12345, "tenants": [TENANT]}, {"group": group.gr_name, "tenants": ["group-tenant"]}]}
    gateway_for(daemons(), settings=settings, listen=f"unix:{place}")
    for directory in (tmp_path, *list(tmp_path.parents)[:3]):
        os.chmod(directory, os.stat(directory).st_mode | 0o011)
    os.chmod(place, 0o777)

    def ask(uid, tenant, gid=None, groups=()):
        arguments = ["curl", "-sS", "--unix-socket", place, "-H", f"X-Tenant-ID: {tenant}", f"http://localhost{API}", "-w", "%{http_code}"]
        supplementary = "--groups=" + ",".join(map(str, groups)) if groups else "--clear-groups"
        become = ["setpriv", f"--reuid={uid}", f"--regid={uid if gid is None else gid}", supplementary]
        return subprocess.run([*become, *arguments], capture_output=True, text=True, check=True, timeout=60).stdout[-3:]

    assert ask(0, "any-tenant") == "200"
    assert ask(12345, TENANT) == "200"
    assert ask(12345, "other") == "403"
    assert ask(54321, TENANT) == "403"
    assert ask(54321, "group-tenant") == "403"
    assert ask(54321, "group-tenant", gid=group.gr_gid) == "200"
    assert ask(54321, "group-tenant", groups=[group.gr_gid]) == "200"
    # More than fit into a first guess, as in a large directory service; and a group that comes last counts too.
    assert ask(54321, "group-tenant", groups=[*range(30_000, 30_100), group.gr_gid]) == "200"
    assert ask(54321, "group-tenant", groups=range(30_000, 30_100)) == "403"
    assert ask(12345, "group-tenant", groups=[group.gr_gid]) == "200"
    assert ask(12345, TENANT, groups=[group.gr_gid]) == "200"


def test_two_on_one_socket(daemons, gateway_for, tmp_path):
    """A second gateway does not take a living one's socket; a stale one is replaced; at its end each removes its own alone."""
    place = tmp_path / "http.sock"
    daemon = daemons()
    first = gateway_for(daemon, listen=f"unix:{place}")
    command = [gateways.processes.BINARIES / "artifact-gateway", "--listen", f"unix:{place}"]
    second = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert second.returncode == 1 and f"'{place}' is in use by another process" in second.stderr

    def ask():
        connection = gateways.UnixConnection(place)
        connection.request("GET", "/healthz")
        return connection.getresponse().status

    assert ask() == 200 and place.stat().st_mode & 0o777 == 0o660
    first.process.kill()
    first.process.wait(60)
    assert place.exists()
    third = gateway_for(daemon, listen=f"unix:{place}")
    assert ask() == 200
    place.rename(tmp_path / "moved")
    fourth = gateway_for(daemon, listen=f"unix:{place}")
    third.stop()
    assert ask() == 200
    fourth.stop()
    assert not place.exists() and not list(tmp_path.glob("http.sock*"))


def test_addresses_in_use_are_named(api, tmp_path):
    """Who cannot listen says where, and why, in plain words."""
    program = gateways.processes.BINARIES / "artifact-gateway"
    (tmp_path / "file").write_text("x")
    for listen, why in [
        (f"127.0.0.1:{api.gateway.port}", "Address already in use"), (f"unix:{tmp_path}/none/s", "No such file or directory"),
        (f"unix:{tmp_path}/{'x' * 200}", "too long"), (f"unix:{tmp_path}/file", "non-socket"),
    ]:  # fmt: skip
        command = [program, "--listen", listen, *(["--allow-anonymous-loopback"] if listen[0] == "1" else [])]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 1 and listen.removeprefix("unix:") in done.stderr and why in done.stderr, done.stderr
        assert len(done.stderr.splitlines()) == 1


# MARK: Bounds


def test_limits_on_uploads(daemons, gateway_for):
    """More uploads than allowed are refused as RATE_LIMITED with Retry-After; the others are not disturbed."""
    gateway = gateway_for(daemons(), settings={"uploads": 2})
    api = Api(gateway)
    run = api.run()["run_id"]
    body, _ = form(b"content")
    held = [gateway.connect() for _ in range(2)]
    for connection in held:
        connection.sendall(upload_head(run, len(body)) + body[:-1])
    eventually(lambda: "artifact_gateway_uploads_in_flight 2" in api("GET", "/metrics").text, "two uploads are under way")
    check_error(api.upload(run, b"x", status=429), "RATE_LIMITED")
    for connection in held:
        connection.sendall(body[-1:])
        assert read_answer(connection)[0] == 201
        connection.close()
    eventually(lambda: "artifact_gateway_uploads_in_flight 0" in api("GET", "/metrics").text, "none is under way")
    api.upload(run, b"x")


def test_slow_clients_are_let_go(daemons, gateway_for):
    """Who sends no header, or stops in the middle of a body, or does not read, is let go in time; nothing is left of it."""
    gateway = gateway_for(daemons(), settings={"header_timeout": 1, "idle_timeout": 1})
    api = Api(gateway)
    run = api.run()["run_id"]
    api.session.close()
    with gateway.connect() as silent, gateway.connect() as begun, gateway.connect() as stalled:
        begun.sendall(b"GET /healthz HTTP/1.1\r\nX-A: ")
        stalled.sendall(upload_head(run, 1_000_000) + form(bytes(200_000))[0])
        status, headers, _ = read_answer(stalled)
        assert (status, headers["Connection"]) == (408, "close")
        for connection in (silent, begun):
            connection.settimeout(10)
            assert connection.recv(100) == b""
    idle = gateway.descriptors
    eventually(lambda: idle() < 40, "their descriptors are closed")
    assert "SERVICE_UNAVAILABLE" not in gateway.log()


def test_a_trickling_header_is_bounded(daemons, gateway_for):
    """A byte now and then puts the end of a header's time off for nobody, on a new connection and on one that was used."""
    gateway = gateway_for(daemons(), settings={"header_timeout": 1})
    for answered in (0, 1):
        with gateway.connect() as connection:
            for _ in range(answered):
                connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
                assert read_answer(connection)[0] == 200
            connection.sendall(b"GET /healthz HTTP/1.1\r\nX-A: ")
            connection.settimeout(0.2)
            for _ in range(200):
                try:
                    assert connection.recv(100) == b""
                    break
                except TimeoutError:
                    connection.sendall(b"a")
                except ConnectionResetError:
                    break
            else:
                pytest.fail("the connection is still open")


def test_slow_but_steady_clients_are_served(daemons, gateway_for):
    """A body may take longer than the idle time as long as it goes on."""
    gateway = gateway_for(daemons(), settings={"idle_timeout": 1})
    run = Api(gateway).run()["run_id"]
    body, _ = form(b"0123456789")
    with gateway.connect() as connection:
        connection.sendall(upload_head(run, len(body)))
        for start in range(0, len(body), 20):
            connection.sendall(body[start : start + 20])
            # The client's slowness is what is tested; nothing is waited for by it.
            time.sleep(0.3)
        assert read_answer(connection)[0] == 201


@pytest.mark.parametrize(
    ("request_text", "status"),
    [
        (b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello", 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 100_000 + b"\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 200 + b"\r\n", 431), (b"\x16\x03\x01\x02\x00\x01\x00", 400),
        (b"GET / HTTP/1.1\r\nBad Header: x\r\n\r\n", 400), (b"FROB / HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    ],
    ids=["length-and-chunked", "two-lengths", "long-header", "many-headers", "tls", "bad-header", "unknown-method"],
)  # fmt: skip
def test_what_is_no_http_is_refused(api, request_text, status):
    """Requests that could be understood in two ways, or are none, are refused in the platform's shape, counted, and lose their connection."""
    with api.gateway.connect() as connection:
        connection.sendall(request_text)
        found, headers, body = read_answer(connection)
        error = json.loads(body)
        assert found == status == CODES[error["error"]["code"]] and headers["Connection"] == "close"
        assert error["metadata"]["requestId"] == headers["X-Request-ID"] and headers["X-Request-ID"] in api.gateway.log()
        assert connection.recv(1) == b""
    assert f'requests_total{{route="none",method="other",status="{status}"}} 1\n' in api("GET", "/metrics", 200).text


# MARK: Faults


def test_without_a_daemon(daemons, gateway_for):
    """While the daemon is away uploads get 503 and the probe says so; when it is back, all goes on."""
    daemon = daemons()
    api = Api(gateway_for(daemon))
    run = api.run()["run_id"]
    daemon.stop()
    check_error(api("GET", "/readyz", 503), "SERVICE_UNAVAILABLE")
    check_error(api.upload(run, b"x", status=503), "SERVICE_UNAVAILABLE")
    assert "artifactd_up 0" in api("GET", "/metrics", 200).text
    api("GET", "/healthz", 200)
    daemon.start()
    api("GET", "/readyz", 200)
    api.upload(run, b"x")
    assert "artifactd_up 1" in api("GET", "/metrics", 200).text


def test_with_a_daemon_that_hangs(daemons, gateway_for):
    """A probe and a scrape are answered while the daemon hangs, before those who send them give up; then all goes on."""
    daemon = daemons()
    api = Api(gateway_for(daemon))
    api("GET", "/readyz", 200)
    daemon.process.send_signal(signal.SIGSTOP)
    try:
        for _ in range(3):
            check_error(api.session.get(api.gateway.url + "/readyz", timeout=5), "SERVICE_UNAVAILABLE")
        assert "artifactd_up 0" in api.session.get(api.gateway.url + "/metrics", timeout=9).text
    finally:
        daemon.process.send_signal(signal.SIGCONT)
    eventually(lambda: api("GET", "/readyz").status_code == 200, "the daemon answers")
    assert "artifactd_up 1" in api("GET", "/metrics", 200).text


def test_daemon_killed_during_uploads(daemons, gateway_for):
    """The daemon is killed again and again under uploads: each gets 503 or its 201 is true, never a 201 for a lost file."""
    daemon = daemons()
    gateway = gateway_for(daemon)
    api = Api(gateway)
    run = api.run()["run_id"]
    answers = collections.Counter()
    promised = {}
    stop = threading.Event()

    def upload(worker):
        mine = Api(gateway)
        number = 0
        while not stop.is_set():
            number += 1
            name, size = f"{worker}-{number}.bin", (100, 70_000, 400_000)[number % 3]
            content = (b"%d %d " % (worker, number) * size)[:size]
            answer = mine.upload(run, content, name, status=None)
            answers[answer.status_code] += 1
            if answer.status_code == 201:
                promised[name] = content
            else:
                assert answer.status_code == 503, answer.text
                # A client rests before it tries again; nothing is waited for by it.
                time.sleep(0.05)

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        workers = [pool.submit(upload, worker) for worker in range(8)]
        for _ in range(4):
            before = len(promised)
            eventually(lambda before=before: len(promised) > before + 20, "uploads go on")
            daemon.kill()
            daemon.start()
        eventually(lambda: len(promised) > before + 40, "uploads go on")
        stop.set()
        for worker in workers:
            worker.result()
    daemon.wait(timeout=120)
    for name, content in promised.items():
        assert api("GET", f"{API}/runs/{run}/artifacts/{name}", 200).content == content
    assert answers[201] == len(promised)


def test_client_that_goes_away(daemons, gateway_for):
    """Of an upload that breaks off nothing is left: no artifact, no spool file, no descriptor, no place taken."""
    daemon = daemons()
    gateway = gateway_for(daemon)
    api = Api(gateway)
    run = api.run()["run_id"]
    descriptors = daemon.descriptors()
    body, _ = form(bytes(2_000_000))
    for cut in (10, 300, 70_000, 1_500_000, len(body) - 1):
        with gateway.connect() as connection:
            connection.sendall(upload_head(run, len(body)) + body[:cut])
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0" if cut % 2 else b"\0" * 8)
    eventually(lambda: "artifact_gateway_uploads_in_flight 0" in api("GET", "/metrics").text, "no upload is under way")
    eventually(lambda: daemon.status()["spool"]["used"] == 0, "the spool is empty")
    eventually(lambda: daemon.descriptors() <= descriptors + 4, "no descriptor is left")
    assert api("GET", f"{API}/runs/{run}/artifacts").json()["artifacts"] == []


def test_stops_in_order(daemons, gateway_for):
    """After SIGTERM uploads that are under way are finished, and new connections are not taken."""
    gateway = gateway_for(daemons())
    run = Api(gateway).run()["run_id"]
    body, _ = form(b"content")
    with gateway.connect() as connection:
        connection.sendall(upload_head(run, len(body)) + body[:-1])
        eventually(lambda: "uploads_in_flight 1" in requests.get(gateway.url + "/metrics", timeout=60).text, "the upload is under way")
        gateway.process.send_signal(15)

        def closed():
            try:
                gateway.connect().close()
            except ConnectionRefusedError:
                return True
            return False

        eventually(closed, "no connection is taken")
        connection.sendall(body[-1:])
        assert read_answer(connection)[0] == 201
    assert gateway.process.wait(30) == 0


# MARK: Many, and large


def clients_at_once(gateway, run, count, slow, size):
    """So many clients upload at once, so many of them slowly; how long the fast ones took, in seconds."""
    durations = []
    barrier = threading.Barrier(count)

    def one(number):
        content = os.urandom(size)
        body, _ = form(content, f"{number}.bin")
        with gateway.connect() as connection:
            barrier.wait(60)
            start = time.monotonic()
            connection.sendall(upload_head(run, len(body)))
            if number < slow:
                piece = len(body) // 10 + 1
                for offset in range(0, len(body), piece):
                    connection.sendall(body[offset : offset + piece])
                    # What makes it a slow client; nothing is waited for by it.
                    time.sleep(0.3)
            else:
                connection.sendall(body)
            assert read_answer(connection)[0] == 201
            if number >= slow:
                durations.append(time.monotonic() - start)

    with concurrent.futures.ThreadPoolExecutor(count) as pool:
        for done in [pool.submit(one, number) for number in range(count)]:
            done.result()
    return sorted(durations)


def test_many_clients(daemons, gateway_for):
    """200 clients at once, 50 of them slow: all are served, the fast ones do not wait for the slow ones, memory stays flat."""
    gateway = gateway_for(daemons())
    api = Api(gateway)
    run = api.run()["run_id"]
    durations = clients_at_once(gateway, run, 200, 50, 300_000)
    assert len(durations) == 150 and durations[-1] < 20
    first = gateway.memory()
    clients_at_once(gateway, run, 200, 50, 300_000)
    assert gateway.memory() < first + (16 << 20) and gateway.memory() < 160 << 20
    assert len(api("GET", f"{API}/runs/{run}/artifacts").json()["artifacts"]) == 200


LARGE = pytest.mark.parametrize("size", [1 << 30, pytest.param(10 << 30, marks=pytest.mark.heavy)], ids=["1GiB", "10GiB"])


def upload_zeros(gateway, run, directory, size, query=""):
    """Uploads so many zeros, which take no room here."""
    begin, end = form(b"\0\0")[0].split(b"\0\0")
    with open(directory / "sparse", "wb+") as source, gateway.connect() as connection:
        source.truncate(size)
        connection.settimeout(None)
        head = upload_head(run, len(begin) + size + len(end)).replace(b"log-artifact", b"log-artifact" + query.encode(), 1)
        connection.sendall(head + begin)
        sent = 0
        while sent < size:
            sent += os.sendfile(connection.fileno(), source.fileno(), sent, min(size - sent, 1 << 24))
        connection.sendall(end)
        assert read_answer(connection)[0] == 201


@LARGE
@pytest.mark.timeout(900)
def test_memory_of_a_large_upload(daemons, gateway_for, tmp_path, size):
    """The gateway's memory stays below 64 MiB, however large the body."""
    gateway = gateway_for(daemons())
    upload_zeros(gateway, Api(gateway).run()["run_id"], tmp_path, size)
    assert gateway.memory() < 64 << 20


@LARGE
@pytest.mark.parametrize("compression", ["none", "zstd"])
@pytest.mark.timeout(900)
def test_room_for_a_large_download(daemons, gateway_for, tmp_path, size, compression):
    """A download takes less than 64 MiB of memory and three pieces of disk, however large and however compressed the artifact is."""
    gateway = gateway_for(daemons(settings={"compression": compression}))
    api = Api(gateway)
    run = api.run()["run_id"]
    upload_zeros(gateway, run, tmp_path, size, "?wait=stored&timeout=600")
    answer = api("GET", f"{API}/runs/{run}/artifacts/file.bin", 200, stream=True, headers={"Accept-Encoding": "identity"})
    count, disk, piece = 0, 0, b"\0" * (16 << 20)
    while found := answer.raw.read(len(piece)):
        assert found == piece[: len(found)]
        count += len(found)
        disk = max(disk, gateway.nameless_bytes())
    assert count == size and gateway.memory() < 64 << 20
    assert 0 < disk <= 24 << 20 or compression != "none"


# MARK: Descriptions


def test_openapi_is_true(daemons, gateway_for, tmp_path):
    """schemathesis finds no server error but 503, no undocumented status or content type, and no answer against its schema."""
    gateway = gateway_for(daemons())
    checks = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,response_headers_conformance"
    (tmp_path / "schemathesis.toml").write_text('[checks]\nnot_a_server_error.expected-statuses = ["2xx", "3xx", "4xx", 503]\n')
    program = os.path.join(os.path.dirname(sys.executable), "schemathesis")
    done = subprocess.run(
        [program, "--config-file", tmp_path / "schemathesis.toml", "run", f"{gateway.url}/api/v1/openapi.json", "--checks", checks,
         "--max-examples", "20", "-H", f"X-Tenant-ID: {TENANT}", "--seed", "1"],
        capture_output=True, text=True, timeout=600, cwd=tmp_path, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "level=error" not in gateway.log()


PROMTOOL = os.path.join(os.path.dirname(sys.executable), "promtool")


def scrape(api):
    """The metrics, by name and labels; promtool has nothing to say against them."""
    answer = api("GET", "/metrics", 200)
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    done = subprocess.run([PROMTOOL, "check", "metrics"], input=answer.text, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, ""), answer.text
    lines = [line.rsplit(" ", 1) for line in answer.text.splitlines() if not line.startswith("#")]
    samples = {name: float(value) for name, value in lines}
    assert len(samples) == len(lines), "a sample stands twice"
    return samples


def test_metrics_move_with_the_work(on_seaweedfs, gateway_for):
    """What two tenants hand over is counted, by tenant; a restart of the daemon keeps the jobs and begins the rest anew."""
    gateway = gateway_for(on_seaweedfs)
    for tenant, count in [(TENANT, 3), ("beta", 2)]:
        api = Api(gateway, tenant)
        run = api.run()["run_id"]
        for number in range(count):
            api.upload(run, b"x" * 1000, path=f"{number}/", params={"wait": "stored"})
    samples = scrape(api)
    assert samples['artifact_gateway_http_requests_total{route="log_artifact",method="POST",status="201"}'] == 5
    assert samples['artifactd_jobs{state="stored"}'] == 5
    assert samples['artifactd_tenant_jobs{tenant="acme-corp",state="stored"}'] == 3
    assert samples['artifactd_tenant_jobs{tenant="beta",state="stored"}'] == 2
    for name in ["artifactd_accepted_bytes_total", "artifactd_source_bytes_total", "artifactd_stored_bytes_total"]:
        assert samples[name] == 5000
    for name in ["part", "hand_over"]:
        assert samples[f"artifactd_{name}_duration_seconds_count"] == samples[f'artifactd_{name}_duration_seconds_bucket{{le="+Inf"}}'] == 5
        assert 0 < samples[f"artifactd_{name}_duration_seconds_sum"] < 60
    assert samples["artifactd_journal_bytes"] > 10_000
    assert not any(name.startswith("artifactd_errors_total") for name in samples)

    on_seaweedfs.restart()
    samples = scrape(api)
    assert samples['artifactd_tenant_jobs{tenant="acme-corp",state="stored"}'] == 3
    assert samples["artifactd_accepted_bytes_total"] == samples["artifactd_hand_over_duration_seconds_count"] == 0


def test_metrics_tell_of_a_failing_store(daemons, place, relay, gateway_for):
    """While the store is away its errors are counted and the jobs stand as accepted; when it is back they are stored."""
    way = relay(place.endpoint)
    daemon = daemons(place.url, place.environment(way.endpoint))
    api = Api(gateway_for(daemon))
    run = api.run()["run_id"]
    api.upload(run, b"first", params={"wait": "stored"})
    way.down()
    for number in range(3):
        api.upload(run, b"content", path=f"{number}/")
    name = 'artifactd_errors_total{code="store_unavailable"}'
    eventually(lambda: scrape(api).get(name, 0) >= 1, "the store's errors are counted")
    samples = scrape(api)
    assert samples["artifactd_store_ok"] == 0 or samples['artifactd_jobs{state="uploading"}'] > 0
    pending = sum(samples[f'artifactd_tenant_jobs{{tenant="{TENANT}",state="{state}"}}'] for state in ["accepted", "uploading"])
    assert pending == 3 and samples["artifactd_queue_pending_bytes"] == 21 and samples["artifactd_queue_oldest_age_seconds"] > 0
    way.up()
    eventually(lambda: scrape(api)[f'artifactd_tenant_jobs{{tenant="{TENANT}",state="stored"}}'] == 4, "all are stored")
    assert scrape(api)["artifactd_store_ok"] == 1


def test_request_ids(api):
    """The client's own id comes back and stands in the log; what cannot be shown is replaced; nothing forges a line of the log."""
    assert api("GET", API, headers={"X-Request-ID": "my-id-1"}).headers["X-Request-ID"] == "my-id-1"
    assert "request_id=my-id-1" in api.gateway.log()
    assert api("GET", API, headers={"X-Request-ID": "x" * 129}).headers["X-Request-ID"] != "x" * 129
    api("GET", f"{API}/a%0Alevel=error%20msg=forged", 404)
    assert "\nlevel=error" not in api.gateway.log()


def test_document_is_served_as_it_stands(api):
    """What is served is protocol/openapi.json."""
    document = gateways.pathlib.Path(__file__).resolve().parents[2] / "protocol" / "openapi.json"
    assert api("GET", "/api/v1/openapi.json", 200).json() == json.loads(document.read_text())

#!/usr/bin/env python3
"""Writes the golden vectors, frames.json, bad.json and experiments.json, beside this file.

Every number stands here by hand, as SPECIFICATION.md has it; no code of an implementation is used. So an implementation that
agrees with the vectors agrees with the specification, and not merely with itself.

    make.py          writes the three files
    make.py --check  exits 1 when they are not what this script would write
"""

import hashlib
import json
import pathlib
import struct
import sys
import uuid

HERE = pathlib.Path(__file__).resolve().parent

TYPES = {
    "HELLO": 0x0001, "WELCOME": 0x8001,
    "PUT": 0x0010, "ACCEPTED": 0x8010,
    "OPEN_SPOOL": 0x0011, "SPOOL_OPENED": 0x8011,
    "DISCARD_SPOOL": 0x0012, "SPOOL_DISCARDED": 0x8012,
    "WAIT": 0x0020, "WAITED": 0x8020,
    "LIST_JOBS": 0x0021, "JOBS": 0x8021,
    "CANCEL": 0x0022, "CANCELLED": 0x8022,
    "RETRY": 0x0023, "RETRIED": 0x8023,
    "STATUS": 0x0030, "STATUS_REPORT": 0x8030,
    "LIST_OBJECTS": 0x0040, "OBJECTS": 0x8040,
    "GET": 0x0041, "GOT": 0x8041,
    "DELETE": 0x0042, "DELETED": 0x8042,
    "CREATE_EXPERIMENT": 0x0050, "EXPERIMENT_CREATED": 0x8050,
    "GET_EXPERIMENT": 0x0051, "EXPERIMENT": 0x8051,
    "LIST_EXPERIMENTS": 0x0052, "EXPERIMENTS": 0x8052,
    "UPDATE_EXPERIMENT": 0x0053, "EXPERIMENT_UPDATED": 0x8053,
    "START_RUN": 0x0058, "RUN_STARTED": 0x8058,
    "GET_RUN": 0x0059, "RUN": 0x8059,
    "LIST_RUNS": 0x005A, "RUNS": 0x805A,
    "END_RUN": 0x005B, "RUN_ENDED": 0x805B,
    "COMMIT": 0x0060, "COMMITTING": 0x8060,
    "WAIT_COMMIT": 0x0061, "COMMIT_WAITED": 0x8061,
    "LIST_ARTIFACTS": 0x0062, "ARTIFACTS": 0x8062,
    "DELETE_ARTIFACTS": 0x0063, "ARTIFACTS_DELETED": 0x8063,
    "ERROR": 0xFFFF,
}

ERRORS = {
    "invalid_request": 1, "unsupported_version": 2, "frame_too_large": 3, "malformed_frame": 4, "unsupported_message": 5,
    "invalid_key": 10, "destination_not_allowed": 11, "invalid_source": 12, "source_changed": 13, "source_lost": 14,
    "source_unreadable": 15, "idempotency_conflict": 16, "not_found": 17, "conflict": 18, "denied": 19, "busy": 20,
    "shutting_down": 21, "local_storage_failed": 22, "too_large": 23, "tenant_mismatch": 24,
    "store_unavailable": 30, "store_throttled": 31, "store_rejected": 32, "store_denied": 33, "no_such_bucket": 34,
    "no_such_upload": 35, "checksum_mismatch": 36, "precondition_failed": 37, "store_not_trusted": 38,
    "cancelled": 40, "timeout": 41, "corrupt_object": 42, "internal_fault": 50,
}

STATES = {"accepted": 1, "uploading": 2, "stored": 3, "failed": 4, "cancelled": 5}
LEVELS = {"accepted": 1, "durable": 2, "stored": 3}
PINS = {"inline": 1, "link": 2, "fdstore": 3, "descriptor": 4, "path": 5, "spool": 6}
COMPRESSIONS = {"none": 1, "gzip": 2, "zstd": 3, "auto": 4}
ENCODINGS = {"identity": 1, "gzip": 2, "zstd": 3}
POLICIES = {"fail": 1, "restart": 2}
STAGES = {"active": 1, "deleted": 2}
STATUSES = {"running": 1, "finished": 2, "failed": 3, "killed": 4}
KINDS = {"model": 1, "onnx": 2, "configuration": 3, "plot": 4, "data": 5, "report": 6, "other": 7}

JOB = "0198c0de-1234-7abc-8def-0123456789ab"
JOB2 = "0198c0de-1235-7000-8000-000000000001"
NOT_UTF8 = b"\xff\xfe"


# --- The encoding, from the specification ---


def field(tag, value, critical):
    return struct.pack("<HI", tag | (0x8000 if critical else 0), len(value)) + value


def c(tag, value):
    """A critical field."""
    return field(tag, value, True)


def o(tag, value):
    """An optional field."""
    return field(tag, value, False)


def u(value):
    return struct.pack("<Q", value)


def i(value):
    return struct.pack("<q", value)


def t(value):
    return value.encode("utf-8")


def job(value):
    return uuid.UUID(value).bytes


def header(length, number, request=1, descriptors=0, flags=0):
    return struct.pack("<IHBBQ", length, number, flags, descriptors, request)


def frame(kind, *fields, request=1, descriptors=0):
    number = TYPES[kind] if isinstance(kind, str) else kind
    payload = b"".join(fields)
    return header(16 + len(payload), number, request, descriptors) + payload


# --- Good frames ---

good = []


def add(name, meaning, kind, wire, content, request=1, descriptors=0, canonical=True):
    good.append({
        "name": name,
        "meaning": meaning,
        "type": kind,
        "request_id": request,
        "descriptors": descriptors,
        "fields": content,
        "canonical": canonical,
        "hex": frame(kind, *wire, request=request, descriptors=descriptors).hex(),
    })


def good_session():
    add("hello-example", "the first frame of the worked example", "HELLO",
        [c(1, u(1)), c(2, u(1)), o(3, u(3)), o(4, t("demo/1"))],
        {"lowest_version": 1, "highest_version": 1, "features": 3, "client": "demo/1"})
    add("hello-minimal", "only the versions; the rest takes its defaults", "HELLO",
        [c(1, u(1)), c(2, u(1))],
        {"lowest_version": 1, "highest_version": 1, "features": 0, "client": ""}, canonical=False)
    add("hello-full", "a range of versions, all feature bits, a tenant", "HELLO",
        [c(1, u(1)), c(2, u(65535)), o(3, u(2**64 - 1)), o(4, t("träiner/0.9")), c(5, t("acme-corp"))],
        {"lowest_version": 1, "highest_version": 65535, "features": 2**64 - 1, "client": "träiner/0.9",
         "tenant": "acme-corp"},
        request=2**64 - 1)
    add("welcome-example", "the answer to hello-example", "WELCOME",
        [c(1, u(1)), o(2, u(3)), o(3, t("artifactd/0.1.0")), o(4, u(4242)), o(5, t("default")), o(6, t("s3://demo")),
         o(7, u(65536)), o(8, u(64))],
        {"version": 1, "features": 3, "server": "artifactd/0.1.0", "pid": 4242, "tenant": "default", "store": "s3://demo",
         "inline_limit": 65536, "request_limit": 64})
    add("welcome-minimal", "only what is required", "WELCOME",
        [c(1, u(1)), o(5, t("default")), o(6, t("file:///srv/store")), o(7, u(0)), o(8, u(1))],
        {"version": 1, "features": 0, "server": "", "pid": 0, "tenant": "default", "store": "file:///srv/store",
         "inline_limit": 0, "request_limit": 1},
        canonical=False)


def good_put():
    add("put-example", "five bytes inline, to a key relative to the store", "PUT",
        [c(1, t("runs/7/a.txt")), c(2, b"hello"), c(7, u(1))],
        {"destination": "runs/7/a.txt", "inline": b"hello".hex(), "level": "accepted"}, request=2)
    add("put-minimal", "a descriptor, and every default", "PUT",
        [c(1, t("model.pt"))],
        {"destination": "model.pt", "level": "accepted"}, request=3, descriptors=1, canonical=False)
    add("put-descriptor-full", "a descriptor with every optional field", "PUT",
        [c(1, t("s3://demo/runs/7/größe 1%2e.pt")), o(5, t("/tmp/größe 1%2e.pt")), c(6, u(3)), c(7, u(2)),
         c(8, bytes(range(128))), c(9, t("text/plain; charset=utf-8")), c(10, u(2))],
        {"destination": "s3://demo/runs/7/größe 1%2e.pt", "label": "/tmp/größe 1%2e.pt", "compression": "zstd",
         "level": "durable", "idempotency_key": bytes(range(128)).hex(), "content_type": "text/plain; charset=utf-8",
         "change_policy": "restart"},
        request=4, descriptors=1)
    add("put-inline-empty", "an empty artifact is an artifact", "PUT",
        [c(1, t("empty")), c(2, b""), c(7, u(1))],
        {"destination": "empty", "inline": "", "level": "accepted"})
    add("put-path", "by path, for a peer of the daemon's own uid", "PUT",
        [c(1, t("a")), c(3, t("/srv/a")), c(7, u(3)), c(10, u(1))],
        {"destination": "a", "path": "/srv/a", "level": "stored", "change_policy": "fail"})
    add("put-spool", "from a spool file", "PUT",
        [c(1, t("a")), c(4, u(2**64 - 1)), c(7, u(2))],
        {"destination": "a", "spool": 2**64 - 1, "level": "durable"})
    for name, number in COMPRESSIONS.items():
        add(f"put-compression-{name}", f"compression {name}", "PUT",
            [c(1, t("a")), c(2, b"\0"), c(6, u(number)), c(7, u(1))],
            {"destination": "a", "inline": "00", "compression": name, "level": "accepted"})
    add("put-unknown-optional-field", "an optional field that version 1 does not know is skipped", "PUT",
        [c(1, t("a")), o(4711, b"later"), c(2, b"x"), c(7, u(1))],
        {"destination": "a", "inline": b"x".hex(), "level": "accepted"}, canonical=False)
    add("put-unknown-optional-twice", "an unknown optional field may stand twice: it may be a repeated one", "PUT",
        [c(1, t("a")), o(4711, b""), o(4711, b""), c(2, b"x"), c(7, u(1))],
        {"destination": "a", "inline": b"x".hex(), "level": "accepted"}, canonical=False)
    add("put-same-number-other-bit", "tag 1 without the critical bit is another field, unknown here", "PUT",
        [o(1, t("skipped")), c(1, t("a")), c(2, b"x"), c(7, u(1))],
        {"destination": "a", "inline": b"x".hex(), "level": "accepted"}, canonical=False)
    add("put-any-order", "the order of the fields means nothing", "PUT",
        [c(7, u(3)), c(2, b"x"), c(1, t("a"))],
        {"destination": "a", "inline": b"x".hex(), "level": "stored"}, canonical=False)
    add("accepted-example", "the answer to put-example", "ACCEPTED",
        [c(1, job(JOB)), o(2, u(2)), o(3, u(1)), o(4, u(5)), o(6, t("s3://demo/runs/7/a.txt"))],
        {"id": JOB, "level": "durable", "pin": "inline", "size": 5, "duplicate": False,
         "destination": "s3://demo/runs/7/a.txt"},
        request=2)
    for name, number in PINS.items():
        add(f"accepted-pin-{name}", f"an earlier job, pinned by {name}", "ACCEPTED",
            [c(1, job(JOB2)), o(2, u(3)), o(3, u(number)), o(4, u(2**40)), o(5, u(1)), o(6, t("file:///s/a"))],
            {"id": JOB2, "level": "stored", "pin": name, "size": 2**40, "duplicate": True, "destination": "file:///s/a"})
    add("open-spool-minimal", "size unknown", "OPEN_SPOOL", [], {"size_hint": 0}, canonical=False)
    add("open-spool-full", "with a hint", "OPEN_SPOOL", [o(1, u(1 << 30))], {"size_hint": 1 << 30})
    add("spool-opened", "one descriptor travels with it", "SPOOL_OPENED", [c(1, u(7))], {"spool": 7}, descriptors=1)
    add("discard-spool", "", "DISCARD_SPOOL", [c(1, u(7))], {"spool": 7})
    add("spool-discarded", "no fields", "SPOOL_DISCARDED", [], {})


def record(identifier, state, level, pin, compression, kind, content_type, **more):
    """A nested job record and its content. What is not given is left out, or zero."""
    values = {"sequence": 0, "uid": 0, "tenant": "", "destination": "a", "label": "", "size": 0, "accepted_at": 0,
              "updated_at": 0, "attempts": 0, "bytes_done": 0} | more
    wire = [
        c(1, job(identifier)), o(2, i(values["sequence"])), o(3, u(values["uid"])), o(4, t(values["tenant"])),
        o(5, t(values["destination"])), o(6, t(values["label"])), o(7, u(values["size"])), c(8, u(STATES[state])),
        o(9, u(LEVELS[level])), o(10, u(PINS[pin])), o(11, u(COMPRESSIONS[compression])),
    ]
    if "encoding" in values:
        wire.append(o(12, u(ENCODINGS[values["encoding"]])))
    wire += [
        o(13, u(KINDS[kind])), o(14, t(content_type)), o(15, i(values["accepted_at"])), o(16, i(values["updated_at"])),
        o(17, u(values["attempts"])), o(18, u(values["bytes_done"])),
    ]
    if "stored_size" in values:
        wire.append(o(19, u(values["stored_size"])))
    if "etag" in values:
        wire.append(o(20, t(values["etag"])))
    if "checksum" in values:
        wire.append(o(21, t(values["checksum"])))
    if "error" in values:
        wire.append(o(22, b"".join(refusal_wire(values["error"]))))
    content = values | {"id": identifier, "state": state, "level": level, "pin": pin, "compression": compression,
                        "kind": kind, "content_type": content_type}
    return b"".join(wire), content


def refusal_wire(content):
    wire = [c(1, u(ERRORS[content["code"]])), o(2, t(content["message"]))]
    if "cause" in content:
        wire.append(o(3, t(content["cause"])))
    if "retry_after" in content:
        wire.append(o(4, u(content["retry_after"])))
    return wire


def good_jobs():
    add("wait-minimal", "for all jobs of the caller, until stored, without end", "WAIT", [],
        {"id": [], "level": "stored"}, canonical=False)
    add("wait-full", "for two jobs, at most a second and a half", "WAIT",
        [c(1, job(JOB)), c(1, job(JOB2)), c(2, u(2)), c(3, u(1500))],
        {"id": [JOB, JOB2], "level": "durable", "timeout": 1500})
    add("wait-poll", "a time of zero asks how it stands now", "WAIT", [c(2, u(3)), c(3, u(0))],
        {"id": [], "level": "stored", "timeout": 0})
    add("waited", "", "WAITED", [c(1, u(1)), c(2, u(2))], {"pending": 1, "failed": 2})
    add("list-jobs-minimal", "the first page of all", "LIST_JOBS", [], {"id": [], "state": [], "limit": 100}, canonical=False)
    add("list-jobs-full", "repeated fields, and where to go on", "LIST_JOBS",
        [c(1, job(JOB)), c(1, job(JOB2))] + [c(2, bytes([number])) for number in STATES.values()]
        + [c(3, i(2**63 - 1)), c(4, u(1000))],
        {"id": [JOB, JOB2], "state": list(STATES), "after": 2**63 - 1, "limit": 1000})
    add("list-jobs-repeats-interleaved", "values of a repeated field need not stand together; their order is kept", "LIST_JOBS",
        [c(1, job(JOB2)), c(4, u(1)), c(1, job(JOB))],
        {"id": [JOB2, JOB], "state": [], "limit": 1}, canonical=False)
    add("jobs-empty", "no job, no further page", "JOBS", [], {"record": []})
    wire, content = record(
        JOB, "stored", "stored", "link", "auto", "model", "application/octet-stream", sequence=12, uid=1000,
        tenant="acme-corp", destination="s3://demo/m.pt", label="/home/me/m.pt", size=1 << 20, encoding="zstd",
        accepted_at=1754000000000, updated_at=1754000001000, attempts=2, bytes_done=1 << 20, stored_size=900000,
        etag='"9b2cf5"', checksum="crc32c:AAAAAA==")
    add("jobs-stored", "a stored job with all that is known of one", "JOBS", [c(1, wire)], {"record": [content]})
    wire, content = record(
        JOB2, "failed", "accepted", "descriptor", "none", "other", "application/octet-stream", sequence=-1, uid=2**32 - 1,
        destination="a", size=2**64 - 1, accepted_at=-1, updated_at=-(2**63), attempts=2**32 - 1,
        error={"code": "source_changed", "message": "it was written to", "cause": "mtime", "retry_after": 0})
    add("jobs-failed", "a failed job with its error, at the edges of the integers, and a further page", "JOBS",
        [c(1, wire), c(2, i(-2))], {"record": [content], "next": -2})
    wires, contents = [], []
    for index, kind in enumerate(KINDS):
        def pick(names):
            return list(names)[index % len(names)]
        wire, content = record(
            str(uuid.UUID(int=uuid.UUID(JOB).int + index)), pick(STATES), pick(LEVELS), pick(PINS), pick(COMPRESSIONS), kind,
            "text/plain", sequence=index, encoding=pick(ENCODINGS))
        wires.append(c(1, wire))
        contents.append(content)
    add("jobs-every-value", "every state, level, pin, compression, encoding and kind", "JOBS", wires, {"record": contents})
    minimal = [c(1, job(JOB)), o(5, t("a")), o(7, u(1)), c(8, u(1)), o(9, u(1)), o(10, u(4)), o(11, u(1)), o(13, u(7)),
               o(14, t("text/plain"))]
    _, content = record(JOB, "accepted", "accepted", "descriptor", "none", "other", "text/plain", size=1)
    add("jobs-record-minimal", "a record of only what is required, and an unknown optional field in it", "JOBS",
        [c(1, b"".join(minimal + [o(999, b"?")]))], {"record": [content]}, canonical=False)
    add("cancel", "", "CANCEL", [c(1, job(JOB))], {"id": JOB})
    for name, number in STATES.items():
        add(f"cancelled-{name}", f"the job is now {name}", "CANCELLED", [c(1, u(number))], {"state": name})
    add("retry-all", "all jobs of the caller that failed", "RETRY", [], {"id": []})
    add("retry-some", "", "RETRY", [c(1, job(JOB)), c(1, job(JOB2))], {"id": [JOB, JOB2]})
    add("retried", "", "RETRIED", [c(1, u(3))], {"count": 3, "refusal": []})
    refusals = [{"code": "not_found", "message": "no such job"}, {"code": "conflict", "message": "it is stored"}]
    add("retried-refusals", "one is back in the queue, two are not", "RETRIED",
        [c(1, u(1))] + [o(2, b"".join(refusal_wire(one))) for one in refusals], {"count": 1, "refusal": refusals})


def good_others():
    add("status", "no fields", "STATUS", [], {})
    add("status-unknown-optional-field", "also a message without fields may get some later", "STATUS", [o(1, b"x")], {},
        canonical=False)
    add("status-report", "", "STATUS_REPORT", [c(1, t('{"daemon":{"pid":1}}'))], {"json": '{"daemon":{"pid":1}}'})
    add("list-objects-minimal", "all objects", "LIST_OBJECTS", [c(1, b"")], {"prefix": "", "limit": 1000}, canonical=False)
    add("list-objects-full", "", "LIST_OBJECTS", [c(1, t("s3://demo/runs/")), c(2, t("s3://demo/runs/7")), c(3, u(1))],
        {"prefix": "s3://demo/runs/", "after": "s3://demo/runs/7", "limit": 1})
    add("objects-empty", "", "OBJECTS", [], {"entry": []})
    entries = [
        {"uri": "s3://demo/a", "size": 5, "modified_at": 1754000000000, "etag": '"e"'},
        {"uri": "s3://demo/b", "size": 0, "modified_at": 0, "etag": ""},
    ]
    add("objects-full", "two objects and a further page", "OBJECTS",
        [c(1, c(1, t(e["uri"])) + o(2, u(e["size"])) + o(3, i(e["modified_at"])) + o(4, t(e["etag"]))) for e in entries]
        + [c(2, t("b"))],
        {"entry": entries, "next": "b"})
    add("objects-entry-minimal", "an object of only what is required", "OBJECTS", [c(1, c(1, t("x")) + o(2, u(9)))],
        {"entry": [{"uri": "x", "size": 9, "modified_at": 0, "etag": ""}]}, canonical=False)
    add("get", "one writable descriptor travels with it", "GET", [c(1, t("runs/7/a.txt"))],
        {"uri": "runs/7/a.txt", "raw": False}, descriptors=1)
    add("get-range", "eight bytes from the fourth on, as they lie in the store", "GET",
        [c(1, t("runs/7/a.txt")), c(2, u(3)), c(3, u(8)), c(4, u(1))],
        {"uri": "runs/7/a.txt", "offset": 3, "length": 8, "raw": True}, descriptors=1)
    add("get-from", "all from the last number on", "GET", [c(1, t("a")), c(2, u(2**64 - 1))],
        {"uri": "a", "offset": 2**64 - 1, "raw": False}, descriptors=1)
    add("get-nothing", "no bytes, but what is known", "GET", [c(1, t("a")), c(3, u(0))],
        {"uri": "a", "length": 0, "raw": False}, descriptors=1)
    add("get-raw-false", "a default that is written out", "GET", [c(1, t("a")), c(2, u(0)), c(4, u(0))],
        {"uri": "a", "offset": 0, "raw": False}, descriptors=1, canonical=False)
    add("got-minimal", "", "GOT", [c(1, u(0))], {"size": 0, "encoding": "identity", "content_type": ""}, canonical=False)
    for name, number in ENCODINGS.items():
        add(f"got-{name}", f"the object is encoded as {name}", "GOT", [c(1, u(5)), o(2, u(number)), o(3, t("text/plain"))],
            {"size": 5, "encoding": name, "content_type": "text/plain"})
    add("got-range", "a part of a larger object", "GOT",
        [c(1, u(8)), o(2, u(3)), o(3, t("text/plain")), o(4, u(2**40)), o(5, t('"e"'))],
        {"size": 8, "encoding": "zstd", "content_type": "text/plain", "total_size": 2**40, "etag": '"e"'})
    add("delete", "", "DELETE", [c(1, t("runs/7/a.txt"))], {"uri": "runs/7/a.txt"})
    add("deleted", "no fields", "DELETED", [], {})
    for name, number in ERRORS.items():
        add(f"error-{name.replace('_', '-')}", f"a request refused with {number}", "ERROR",
            [c(1, u(number)), o(2, t("why"))], {"code": name, "message": "why"}, request=9)
    add("error-full", "with its cause and when to try again", "ERROR",
        [c(1, u(20)), o(2, t("the queue is full; try again")), o(3, t("10000 of 10000 jobs")), o(4, u(250))],
        {"code": "busy", "message": "the queue is full; try again", "cause": "10000 of 10000 jobs", "retry_after": 250})
    add("error-connection", "under request id 0 it concerns the connection, which ends", "ERROR",
        [c(1, u(2)), o(2, t("artifactd speaks version 1"))],
        {"code": "unsupported_version", "message": "artifactd speaks version 1"}, request=0)
    add("error-minimal", "only the code", "ERROR", [c(1, u(50))], {"code": "internal_fault", "message": ""}, canonical=False)
    add("error-unknown-code", "a code of a later version is an error all the same; its number is kept for the person", "ERROR",
        [c(1, u(999)), o(2, t("new"))], {"code": 999, "message": "new"}, canonical=False)


# --- Experiments, runs and artifacts ---

RUN = "run-0_A"


def experiment_id(tenant, name):
    """The UUID of version 5 (RFC 9562, section 5.5) of the tenant, a zero byte and the name."""
    namespace = uuid.UUID("6b2f1f0e-3d0a-5c57-9a43-5f1c8f6d2a11").bytes
    digest = bytearray(hashlib.sha1(namespace + t(tenant) + b"\0" + t(name)).digest()[:16])
    digest[6] = digest[6] & 0x0F | 0x50
    digest[8] = digest[8] & 0x3F | 0x80
    return str(uuid.UUID(bytes=bytes(digest)))


EXPERIMENT = experiment_id("acme-corp", "fraud-detection")


def experiment_ids():
    names = [
        ("plain", "of the snippet that the documents show", "acme-corp", "fraud-detection"),
        ("other-tenant", "the same name of another tenant", "acme", "fraud-detection"),
        ("default-tenant", "", "default", "fraud-detection"),
        ("one-letter", "the shortest name", "a", "b"),
        ("boundary-left", "tenant and name do not run into each other", "ab", "c"),
        ("boundary-right", "tenant and name do not run into each other", "a", "bc"),
        ("case", "upper case is another name", "acme-corp", "Fraud-Detection"),
        ("composed", "an accent of one code point, U+00E9", "acme-corp", "caf\u00e9"),
        ("decomposed", "the same to the eye of two code points, U+0065 U+0301: another name", "acme-corp", "cafe\u0301"),
        ("angstrom", "U+212B, which normalisation would replace", "acme-corp", "\u212b"),
        ("a-ring", "U+00C5, which it would be replaced by", "acme-corp", "\u00c5"),
        ("hangul", "one syllable", "acme-corp", "\ud55c"),
        ("hangul-jamo", "the same syllable as three letters", "acme-corp", "\u1112\u1161\u11ab"),
        ("beyond-bmp", "a code point of four bytes", "acme-corp", "\U0001f9ea \u5b9f\u9a13"),
        ("space", "a name that looks empty", "acme-corp", " "),
        ("no-break-space", "a name that looks empty", "acme-corp", "\u00a0"),
        ("zero-width-space", "a name that looks empty", "acme-corp", "\u200b"),
        ("byte-order-mark", "it is kept, not stripped", "acme-corp", "\ufeffa"),
        ("trailing-space", "it is kept, not stripped", "acme-corp", "a "),
        ("slashes", "a name is no path", "acme-corp", "a/../b"),
        ("longest", "255 code points, of three bytes each", "acme-corp", "\u5b9f" * 255),
        ("longest-tenant", "128 bytes", "t" * 128, "a"),
    ]
    return [
        {"name": name, "meaning": meaning, "tenant": tenant, "experiment": experiment, "id": experiment_id(tenant, experiment)}
        for name, meaning, tenant, experiment in names
    ]


def pairs(number, tags, critical=False):
    """Tags, a list of keys and values, as repeated fields of this number; a value of None is left out."""
    return [
        field(number, c(1, t(key)) + (b"" if value is None else c(2, t(value))), critical) for key, value in tags
    ]


def pairs_content(tags):
    return [{"key": key} if value is None else {"key": key, "value": value} for key, value in tags]


def experiment(name, stage="active", provisional=False, tags=(), description="", location=None, created=0, updated=0):
    """A nested experiment and its content."""
    identifier = experiment_id("acme-corp", name)
    location = location or f"s3://demo/experiments/{identifier}"
    wire = [c(1, t(identifier)), o(2, t("acme-corp")), o(3, t(name)), o(4, t(description))] + pairs(5, tags) + [
        c(6, t(location)), o(7, u(STAGES[stage])), o(8, i(created)), o(9, i(updated)), o(10, u(int(provisional)))]
    content = {"id": identifier, "tenant": "acme-corp", "name": name, "description": description, "tag": pairs_content(tags),
               "artifact_location": location, "lifecycle_stage": stage, "created_at": created, "updated_at": updated,
               "provisional": provisional}
    return b"".join(wire), content


# In the order of their bytes, which is neither that of UTF-16 nor that of an alphabet.
TAGS = [("A", ""), ("a b", "x" * 5000), ("mlflow.user", "zoë"), ("é" * 125, "\n"), ("\uffff", "1"), ("\U0001f9ea", "2")]


def good_experiments():
    add("create-experiment-minimal", "only a name", "CREATE_EXPERIMENT", [c(1, t("fraud-detection"))],
        {"name": "fraud-detection", "description": "", "tag": []}, canonical=False)
    add("create-experiment-full", "description, tags, a place of its own", "CREATE_EXPERIMENT",
        [c(1, t("größe \U0001f9ea")), o(2, t("two\nlines"))] + pairs(3, TAGS) + [c(4, t("s3://elsewhere/place"))],
        {"name": "größe \U0001f9ea", "description": "two\nlines", "tag": pairs_content(TAGS),
         "artifact_location": "s3://elsewhere/place"})
    add("create-experiment-longest", "255 and 1,000 code points, which are more bytes, and 100 tags", "CREATE_EXPERIMENT",
        [c(1, t("\U0001f9ea" * 255)), o(2, t("é" * 1000))] + pairs(3, [(f"k{number:03}", "") for number in range(100)]),
        {"name": "\U0001f9ea" * 255, "description": "é" * 1000,
         "tag": pairs_content([(f"k{number:03}", "") for number in range(100)])})
    wire, content = experiment("fraud-detection", provisional=True, created=1754000000000, updated=1754000000000)
    add("experiment-created", "its place is not confirmed yet", "EXPERIMENT_CREATED", [c(1, wire)], {"experiment": content})
    add("get-experiment-by-id", "", "GET_EXPERIMENT", [c(1, t(EXPERIMENT))], {"id": EXPERIMENT})
    add("get-experiment-by-name", "", "GET_EXPERIMENT", [c(2, t("fraud-detection"))], {"name": "fraud-detection"})
    wire, content = experiment(
        "größe", tags=TAGS, description="d", location="file:///srv/a b", created=-1, updated=2**63 - 1)
    add("experiment-full", "with tags, and times at the edges", "EXPERIMENT", [c(1, wire)], {"experiment": content})
    minimal, content = experiment("fraud-detection")
    minimal = b"".join([c(1, t(EXPERIMENT)), o(2, t("acme-corp")), o(3, t("fraud-detection")),
                        c(6, t(f"s3://demo/experiments/{EXPERIMENT}")), o(7, u(1)), o(999, b"?")])
    add("experiment-minimal", "only what is required, and an unknown optional field", "EXPERIMENT", [c(1, minimal)],
        {"experiment": content}, canonical=False)
    add("list-experiments-minimal", "the first page of all", "LIST_EXPERIMENTS", [], {"limit": 100, "offset": 0}, canonical=False)
    for name, number in STAGES.items():
        add(f"list-experiments-{name}", f"only those that are {name}", "LIST_EXPERIMENTS",
            [c(1, t("fraud")), c(2, u(number)), c(3, u(1000)), c(4, u(2**64 - 1))],
            {"search": "fraud", "lifecycle_stage": name, "limit": 1000, "offset": 2**64 - 1})
    add("experiments-empty", "none", "EXPERIMENTS", [c(2, u(0))], {"experiment": [], "total": 0})
    some = [experiment("a", stage="deleted", updated=7), experiment("b", tags=[("k", "v")])]
    add("experiments-some", "two of three", "EXPERIMENTS", [c(1, wire) for wire, _ in some] + [c(2, u(3))],
        {"experiment": [content for _, content in some], "total": 3})
    add("update-experiment-nothing", "nothing is changed", "UPDATE_EXPERIMENT", [c(1, t(EXPERIMENT))],
        {"id": EXPERIMENT, "tag": []})
    changes = [("keep", "new"), ("remove", None), ("set-empty", "")]
    for name, number in STAGES.items():
        add(f"update-experiment-{name}", "tags are set and removed, the description is emptied", "UPDATE_EXPERIMENT",
            [c(1, t(EXPERIMENT)), c(2, b"")] + pairs(3, changes, critical=True) + [c(4, u(number))],
            {"id": EXPERIMENT, "description": "", "tag": pairs_content(changes), "lifecycle_stage": name})
    wire, content = experiment("fraud-detection", stage="deleted")
    add("experiment-updated", "it is archived", "EXPERIMENT_UPDATED", [c(1, wire)], {"experiment": content})


def run(status="running", provisional=False, tags=(), name="", description="", started=0, ended=None):
    """A nested run and its content."""
    place = f"s3://demo/experiments/{EXPERIMENT}/runs/{RUN}/artifacts"
    wire = [c(1, t(RUN)), o(2, t(EXPERIMENT)), o(3, t("acme-corp")), o(4, t(name)), o(5, t(description))] + pairs(6, tags) + [
        o(7, u(STATUSES[status])), o(8, i(started))] + ([] if ended is None else [o(9, i(ended))]) + [
        c(10, t(place)), o(11, u(int(provisional)))]
    content = {"run_id": RUN, "experiment_id": EXPERIMENT, "tenant": "acme-corp", "name": name, "description": description,
               "tag": pairs_content(tags), "status": status, "started_at": started, "artifact_uri": place,
               "provisional": provisional}
    return b"".join(wire), content | ({} if ended is None else {"ended_at": ended})


def good_runs():
    add("start-run-minimal", "by the experiment's name, the rest takes its defaults", "START_RUN", [c(2, t("fraud-detection"))],
        {"experiment_name": "fraud-detection", "name": "", "description": "", "tag": []}, canonical=False)
    add("start-run-full", "by the experiment's id, under a run id of the client's", "START_RUN",
        [c(1, t(EXPERIMENT)), c(3, t(RUN)), o(4, t("Läufer 1")), o(5, t("why"))] + pairs(6, TAGS),
        {"experiment_id": EXPERIMENT, "run_id": RUN, "name": "Läufer 1", "description": "why", "tag": pairs_content(TAGS)})
    add("start-run-longest", "64 bytes of run id, 255 and 1,000 code points", "START_RUN",
        [c(2, t("a")), c(3, b"Z" * 64), o(4, t("é" * 255)), o(5, t("\U0001f9ea" * 1000))],
        {"experiment_name": "a", "run_id": "Z" * 64, "name": "é" * 255, "description": "\U0001f9ea" * 1000, "tag": []})
    wire, content = run(provisional=True, started=1754000000000)
    add("run-started", "its place is not confirmed yet", "RUN_STARTED", [c(1, wire)], {"run": content})
    add("get-run", "", "GET_RUN", [c(1, t(RUN))], {"run_id": RUN})
    wire, content = run("killed", tags=TAGS, name="n", description="d", started=-(2**63), ended=0)
    add("run-full", "with tags, and ended at time 0", "RUN", [c(1, wire)], {"run": content})
    _, content = run()
    add("run-minimal", "only what is required, and an unknown optional field", "RUN",
        [c(1, b"".join([c(1, t(RUN)), o(2, t(EXPERIMENT)), o(3, t("acme-corp")), o(7, u(1)),
                        c(10, t(content["artifact_uri"])), o(999, b"?")]))],
        {"run": content}, canonical=False)
    add("list-runs-minimal", "the first page of all", "LIST_RUNS", [], {"limit": 100, "offset": 0}, canonical=False)
    for name, number in STATUSES.items():
        add(f"list-runs-{name}", f"only those that are {name}", "LIST_RUNS",
            [c(1, t(EXPERIMENT)), c(2, u(number)), c(3, t("läuf")), c(4, u(1)), c(5, u(7))],
            {"experiment_id": EXPERIMENT, "status": name, "search": "läuf", "limit": 1, "offset": 7})
    add("runs-empty", "none", "RUNS", [c(2, u(0))], {"run": [], "total": 0})
    some = [run(status) for status in STATUSES]
    add("runs-every-status", "four of five", "RUNS", [c(1, wire) for wire, _ in some] + [c(2, u(5))],
        {"run": [content for _, content in some], "total": 5})
    for name in ("finished", "failed", "killed"):
        add(f"end-run-{name}", "", "END_RUN", [c(1, t(RUN)), c(2, u(STATUSES[name]))], {"run_id": RUN, "status": name})
    wire, content = run("finished", started=1, ended=2)
    add("run-ended", "", "RUN_ENDED", [c(1, wire)], {"run": content})


def good_commits():
    add("commit-run", "all that was handed over for the run", "COMMIT", [c(1, t(RUN))], {"run_id": RUN})
    add("commit-member", "the first of eight members is complete", "COMMIT",
        [c(1, t(RUN)), c(2, t("step-1000")), c(3, u(0)), c(4, u(8))],
        {"run_id": RUN, "group": "step-1000", "member": 0, "members": 8})
    add("commit-member-0-left-out", "member 0 is the default", "COMMIT", [c(1, t(RUN)), c(2, t("step-1000")), c(4, u(8))],
        {"run_id": RUN, "group": "step-1000", "member": 0, "members": 8}, canonical=False)
    add("commit-last-member", "of the largest group, of the longest name", "COMMIT",
        [c(1, t(RUN)), c(2, b"." * 127 + b"_"), c(3, u(9999)), c(4, u(10000))],
        {"run_id": RUN, "group": "." * 127 + "_", "member": 9999, "members": 10000})
    add("committing", "no fields", "COMMITTING", [], {})
    add("wait-commit-minimal", "for the whole run, without end", "WAIT_COMMIT", [c(1, t(RUN))], {"run_id": RUN})
    add("wait-commit-full", "for a group, how it stands now", "WAIT_COMMIT", [c(1, t(RUN)), c(2, t("...")), c(3, u(0))],
        {"run_id": RUN, "group": "...", "timeout": 0})
    add("commit-waited-minimal", "only what is required", "COMMIT_WAITED", [c(1, u(1))],
        {"committed": True, "pending": 0, "failed": 0, "missing": []}, canonical=False)
    add("commit-waited-committed", "", "COMMIT_WAITED", [c(1, u(1)), o(2, u(0)), o(3, u(0))],
        {"committed": True, "pending": 0, "failed": 0, "missing": []})
    refusal = {"code": "store_unavailable", "message": "no answer"}
    add("commit-waited-full", "two members are missing, and why", "COMMIT_WAITED",
        [c(1, u(0)), o(2, u(2**64 - 1)), o(3, u(1)), o(4, u(3)), o(4, u(9999)), o(5, b"".join(refusal_wire(refusal)))],
        {"committed": False, "pending": 2**64 - 1, "failed": 1, "missing": [3, 9999], "error": refusal})


def artifact(path, kind, state, content_type="", updated=0, **more):
    """A nested artifact and its content. What is not given is left out."""
    uri = f"s3://demo/experiments/{EXPERIMENT}/runs/{RUN}/artifacts/{path}"
    wire = [c(1, t(path)), o(2, t(uri))]
    if "size" in more:
        wire.append(o(3, u(more["size"])))
    wire += [o(4, u(KINDS[kind])), o(5, t(content_type)), c(6, u(STATES[state]))]
    if "checksum" in more:
        wire.append(o(7, t(more["checksum"])))
    if "encoding" in more:
        wire.append(o(8, u(ENCODINGS[more["encoding"]])))
    if "stored_size" in more:
        wire.append(o(9, u(more["stored_size"])))
    if "etag" in more:
        wire.append(o(10, t(more["etag"])))
    wire.append(o(11, i(updated)))
    if "job" in more:
        wire.append(o(12, job(more["job"])))
    if "error" in more:
        wire.append(o(13, b"".join(refusal_wire(more["error"]))))
    content = more | {"path": path, "uri": uri, "kind": kind, "content_type": content_type, "state": state, "updated_at": updated}
    return b"".join(wire), content


def good_artifacts():
    add("put-artifact", "an artifact of a run", "PUT",
        [c(2, b"x"), c(7, u(1)), c(11, t(RUN)), c(12, t("models/größe.pkl"))],
        {"inline": b"x".hex(), "level": "accepted", "run_id": RUN, "artifact_path": "models/größe.pkl"})
    add("put-artifact-of-member", "as the part of a member of a group", "PUT",
        [c(7, u(2)), c(11, t(RUN)), c(12, t("ckpt/__7_0.distcp")), c(13, t("step-1000")), c(14, u(9999))],
        {"level": "durable", "run_id": RUN, "artifact_path": "ckpt/__7_0.distcp", "group": "step-1000", "member": 9999},
        descriptors=1)
    add("put-artifact-member-0-left-out", "member 0 is the default", "PUT",
        [c(7, u(1)), c(11, t(RUN)), c(12, t("a")), c(13, t("g"))],
        {"level": "accepted", "run_id": RUN, "artifact_path": "a", "group": "g", "member": 0}, descriptors=1, canonical=False)
    add("list-artifacts-minimal", "the first page of all", "LIST_ARTIFACTS", [c(1, t(RUN))], {"run_id": RUN, "limit": 1000},
        canonical=False)
    for name, number in KINDS.items():
        add(f"list-artifacts-{name}", f"only those of the kind {name}, below a path", "LIST_ARTIFACTS",
            [c(1, t(RUN)), c(2, t("models")), c(3, u(number)), c(4, t("models/größe")), c(5, u(1))],
            {"run_id": RUN, "path": "models", "kind": name, "after": "models/größe", "limit": 1})
    add("artifacts-empty", "none", "ARTIFACTS", [], {"artifact": []})
    refusal = {"code": "source_changed", "message": "it was written to"}
    some = [
        artifact("a.pkl", "model", "stored", "application/octet-stream", 1754000000000, size=5, checksum="crc32c:AAAAAA==",
                 encoding="zstd", stored_size=2**40, etag='"e"', job=JOB),
        artifact("b/é", "other", "failed", size=2**64 - 1, job=JOB2, error=refusal),
        artifact("b/\uffff", "data", "uploading", size=0, job=JOB2),
        artifact("b/\U0001f9ea", "plot", "stored", encoding="gzip", stored_size=0, etag=""),
    ]
    unavailable = {"code": "store_unavailable", "message": "no answer", "retry_after": 1000}
    add("artifacts-full", "stored, failed, pending, another node's, by rising bytes of the path; with more to follow",
        "ARTIFACTS", [c(1, wire) for wire, _ in some] + [c(2, t("b/\U0001f9ea")), o(3, b"".join(refusal_wire(unavailable)))],
        {"artifact": [content for _, content in some], "next": "b/\U0001f9ea", "incomplete": unavailable})
    wire, content = artifact("x", "other", "accepted")
    minimal = b"".join([c(1, t("x")), o(2, t(content["uri"])), o(4, u(7)), c(6, u(1)), o(999, b"?")])
    add("artifacts-minimal", "an artifact of only what is required, and an unknown optional field in it", "ARTIFACTS",
        [c(1, minimal)], {"artifact": [content]}, canonical=False)
    add("delete-artifacts-one", "", "DELETE_ARTIFACTS", [c(1, t(RUN)), c(2, t("a.pkl"))],
        {"run_id": RUN, "path": "a.pkl", "recursive": False}, canonical=False)
    add("delete-artifacts-all", "", "DELETE_ARTIFACTS", [c(1, t(RUN)), c(2, b""), c(3, u(1))],
        {"run_id": RUN, "path": "", "recursive": True})
    add("delete-artifacts-one-written-out", "the default is written out", "DELETE_ARTIFACTS",
        [c(1, t(RUN)), c(2, t("a.pkl")), c(3, u(0))], {"run_id": RUN, "path": "a.pkl", "recursive": False})
    add("artifacts-deleted", "", "ARTIFACTS_DELETED", [c(1, u(3))], {"count": 3})


# --- Bad frames ---

bad = []


def refuse(name, meaning, error, data, receiver="daemon"):
    bad.append({
        "name": name,
        "meaning": meaning,
        "receiver": receiver,
        "error": error,
        "ends_connection": error in ("malformed_frame", "frame_too_large"),
        "hex": data.hex(),
    })


def bad_headers():
    for length in (0, 15):
        refuse(f"length-{length}", "shorter than its own header", "malformed_frame", header(length, 0x0030))
    refuse("length-1-mib-and-1", "one byte longer than the longest frame", "frame_too_large", header((1 << 20) + 1, 0x0010))
    refuse("length-2-gib", "the sign bit of a careless reader", "frame_too_large", header(1 << 31, 0x0010))
    refuse("length-4-gib", "the longest length that the header can say", "frame_too_large", header(2**32 - 1, 0x0010))
    for flags in (1, 0x80):
        refuse(f"flags-{flags}", "version 1 defines no flags", "malformed_frame", header(16, 0x0030, flags=flags))


def bad_fields():
    for count in (1, 5):
        refuse(f"leftover-{count}", f"{count} bytes after the last whole field", "malformed_frame",
               frame("PUT", c(1, t("a")), c(2, b"x"), b"\0" * count))
    refuse("leftover-in-message-without-fields", "", "malformed_frame", frame("STATUS", b"\0"))
    refuse("field-overruns-frame", "a field announces one byte more than the frame has", "malformed_frame",
           frame("PUT", struct.pack("<HI", 0x8001, 2) + b"a"))
    refuse("field-of-4-gib", "", "malformed_frame", frame("PUT", struct.pack("<HI", 0x8001, 2**32 - 1) + b"a"))
    refuse("unknown-field-overruns-frame", "skipping an unknown field is no way past the frame's end", "malformed_frame",
           frame("PUT", c(1, t("a")), struct.pack("<HI", 4711, 9)))
    refuse("field-twice", "the destination stands twice", "malformed_frame", frame("PUT", c(1, t("a")), c(1, t("a")), c(2, b"x")))
    refuse("integer-of-4-bytes", "", "malformed_frame", frame("PUT", c(1, t("a")), c(4, b"\1\0\0\0")))
    refuse("integer-of-9-bytes", "", "malformed_frame", frame("PUT", c(1, t("a")), c(4, u(1) + b"\0")))
    refuse("integer-of-0-bytes", "", "malformed_frame", frame("PUT", c(1, t("a")), c(4, b"")))
    for name, text in (("stray-byte", NOT_UTF8), ("overlong", b"\xc0\xaf"), ("surrogate", b"\xed\xa0\x80"), ("cut", b"a\xc3")):
        refuse(f"text-{name}", "text that is not UTF-8", "invalid_request", frame("PUT", c(1, text), c(2, b"x")))
    refuse("unknown-type", "", "unsupported_message", frame(0x7FFE))
    refuse("type-0", "", "unsupported_message", frame(0))
    refuse("unknown-type-with-broken-fields", "the fields of an unknown type are not looked at", "unsupported_message",
           frame(0x7FFE, b"\0"))
    refuse("unknown-critical-field", "", "unsupported_message", frame("PUT", c(1, t("a")), c(2, b"x"), c(4711, b"")))
    refuse("unknown-critical-field-without-fields", "", "unsupported_message", frame("STATUS", c(1, b"")))
    refuse("critical-bit-on-optional-tag", "label is tag 5 without the bit; with it, it is unknown and critical",
           "unsupported_message", frame("PUT", c(1, t("a")), c(2, b"x"), c(5, t("l"))))
    for count in (0, 15, 17):
        refuse(f"job-id-of-{count}-bytes", "", "malformed_frame", frame("CANCEL", c(1, bytes(count))))
    refuse("job-id-of-15-bytes-repeated", "", "malformed_frame", frame("WAIT", c(1, job(JOB)), c(1, bytes(15)), c(2, u(3))))


def bad_requests():
    required = {
        "HELLO": {1: u(1), 2: u(1)}, "DISCARD_SPOOL": {1: u(1)}, "CANCEL": {1: job(JOB)},
        "LIST_OBJECTS": {1: t("")}, "GET": {1: t("a")}, "DELETE": {1: t("a")},
        "CREATE_EXPERIMENT": {1: t("a")}, "UPDATE_EXPERIMENT": {1: t(EXPERIMENT)}, "GET_RUN": {1: t(RUN)},
        "END_RUN": {1: t(RUN), 2: u(2)}, "COMMIT": {1: t(RUN)}, "WAIT_COMMIT": {1: t(RUN)}, "LIST_ARTIFACTS": {1: t(RUN)},
        "DELETE_ARTIFACTS": {1: t(RUN), 2: t("a")},
    }
    for kind, fields in required.items():
        for missing in fields:
            refuse(f"{kind.lower().replace('_', '-')}-without-{missing}", f"required field {missing} is missing",
                   "invalid_request", frame(kind, *(c(tag, value) for tag, value in fields.items() if tag != missing)))
    refuse("hello-range-reversed", "lowest above highest", "invalid_request", frame("HELLO", c(1, u(2)), c(2, u(1))))
    refuse("hello-version-65536", "more than 16 bits", "invalid_request", frame("HELLO", c(1, u(1)), c(2, u(65536))))
    refuse("put-inline-and-path", "two sources", "invalid_request", frame("PUT", c(1, t("a")), c(2, b"x"), c(3, t("/a"))))
    refuse("put-path-and-spool", "two sources", "invalid_request", frame("PUT", c(1, t("a")), c(3, t("/a")), c(4, u(1))))
    for tag, name, values in ((6, "compression", (0, 5, 257)), (7, "level", (0, 4, 2**63)), (10, "change-policy", (0, 3))):
        for value in values:
            refuse(f"put-{name}-{value}", f"no such {name}", "invalid_request",
                   frame("PUT", c(1, t("a")), c(2, b"x"), c(tag, u(value))))
    for count in (0, 129):
        refuse(f"put-idempotency-key-of-{count}-bytes", "1 to 128 are allowed", "invalid_request",
               frame("PUT", c(1, t("a")), c(2, b"x"), c(8, bytes(count))))
    for name, text in (("empty", ""), ("line-break", "a\r\nx-evil: 1"), ("non-ascii", "té"), ("256-bytes", "a" * 256)):
        refuse(f"put-content-type-{name}", "printable ASCII of 1 to 255 bytes is allowed", "invalid_request",
               frame("PUT", c(1, t("a")), c(2, b"x"), c(9, t(text))))
    refuse("put-label-of-4097-bytes", "at most 4096 are allowed", "invalid_request",
           frame("PUT", c(1, t("a")), c(2, b"x"), o(5, b"l" * 4097)))
    for tag, name in ((2, "offset"), (3, "length"), (4, "raw")):
        refuse(f"get-{name}-of-4-bytes", "an integer has 8", "malformed_frame",
               frame("GET", c(1, t("a")), c(tag, bytes(4)), descriptors=0))
    refuse("wait-level-0", "", "invalid_request", frame("WAIT", c(2, u(0))))
    for value in (b"\0", b"\6", b"", b"\1\0"):
        refuse(f"list-jobs-state-{value.hex() or 'empty'}", "a state is one byte, 1 to 5", "invalid_request",
               frame("LIST_JOBS", c(2, value)))
    for value in (0, 1001, 2**32):
        refuse(f"list-jobs-limit-{value}", "1 to 1000", "invalid_request", frame("LIST_JOBS", c(4, u(value))))
        refuse(f"list-objects-limit-{value}", "1 to 1000", "invalid_request", frame("LIST_OBJECTS", c(1, b""), c(3, u(value))))
    refuse("retry-1001-jobs", "at most 1000", "invalid_request", frame("RETRY", *[c(1, job(JOB))] * 1001))
    refuse("list-jobs-1001-jobs", "at most 1000", "invalid_request", frame("LIST_JOBS", *[c(1, job(JOB))] * 1001))


def bad_targets():
    """A PUT goes to exactly one place."""
    a, run_id, path, group, member = c(1, t("a")), c(11, t(RUN)), c(12, t("a")), c(13, t("g")), c(14, u(0))
    for name, fields in (
        ("put-to-nowhere", []), ("put-to-run-and-destination", [a, run_id, path]), ("put-to-run-without-path", [run_id]),
        ("put-to-path-without-run", [path]), ("put-to-destination-and-run", [a, run_id]),
        ("put-to-destination-and-path", [a, path]), ("put-to-destination-of-group", [a, group]),
        ("put-to-destination-of-member", [a, member]), ("put-to-member-without-group", [run_id, path, member]),
    ):
        refuse(name, "either a destination, or a run_id and an artifact_path, the latter with a group or without",
               "invalid_request", frame("PUT", *fields[:1], c(2, b"x"), *fields[1:]))
    refuse("put-to-member-10000", "a group has at most 10,000 members", "invalid_request",
           frame("PUT", c(2, b"x"), run_id, path, group, c(14, u(10000))))
    refuse("put-to-member-of-33-bits", "more than 32 bits", "invalid_request",
           frame("PUT", c(2, b"x"), run_id, path, group, c(14, u(2**32))))


def bad_names():
    """Lengths and characters."""
    for name, text in (("empty", ""), ("256-code-points", "a" * 256), ("line-break", "a\nb"), ("nul", "a\0b"),
                       ("delete", "\x7f"), ("c1", "\u0085")):
        meaning = "an experiment's name has 1 to 255 code points, no control characters"
        refuse(f"create-experiment-name-{name}", meaning, "invalid_request", frame("CREATE_EXPERIMENT", c(1, t(text))))
        refuse(f"get-experiment-name-{name}", meaning, "invalid_request", frame("GET_EXPERIMENT", c(2, t(text))))
        refuse(f"start-run-experiment-name-{name}", meaning, "invalid_request", frame("START_RUN", c(2, t(text))))
    for name, text in (("empty", ""), ("name", "fraud-detection"), ("upper-case", EXPERIMENT.upper()), ("short", EXPERIMENT[1:]),
                       ("long", EXPERIMENT + "0"), ("without-hyphens", EXPERIMENT.replace("-", "")),
                       ("climbing", ("../" * 12)), ("non-ascii", EXPERIMENT[:34] + "é")):
        for kind, tag in (("GET_EXPERIMENT", 1), ("UPDATE_EXPERIMENT", 1), ("START_RUN", 1), ("LIST_RUNS", 1)):
            refuse(f"{kind.lower().replace('_', '-')}-experiment-id-{name}", "not the text form of a UUID, lower case",
                   "invalid_request", frame(kind, c(tag, t(text))))
    more = {"END_RUN": [c(2, u(2))], "DELETE_ARTIFACTS": [c(2, t("a"))], "PUT": [c(12, t("a"))]}
    for name, text in (("empty", ""), ("65-bytes", "a" * 65), ("slash", "a/b"), ("dots", ".."), ("space", "a b"),
                       ("non-ascii", "é")):
        for kind, tag in (("START_RUN", 3), ("GET_RUN", 1), ("END_RUN", 1), ("COMMIT", 1), ("WAIT_COMMIT", 1),
                          ("LIST_ARTIFACTS", 1), ("DELETE_ARTIFACTS", 1), ("PUT", 11)):
            before = {"START_RUN": [c(2, t("a"))], "PUT": [c(2, b"x")]}.get(kind, [])
            refuse(f"{kind.lower().replace('_', '-')}-run-id-{name}", "a run id has 1 to 64 of A-Z a-z 0-9 - _",
                   "invalid_request", frame(kind, *before, c(tag, t(text)), *more.get(kind, [])))
    for name, text in (("empty", ""), ("129-bytes", "a" * 129), ("slash", "a/b"), ("dot", "."), ("dots", ".."), ("space", "a b"),
                       ("non-ascii", "é")):
        meaning = "a group has 1 to 128 of A-Z a-z 0-9 - _ ., and is not . or .."
        refuse(f"put-group-{name}", meaning, "invalid_request",
               frame("PUT", c(2, b"x"), c(11, t(RUN)), c(12, t("a")), c(13, t(text))))
        refuse(f"commit-group-{name}", meaning, "invalid_request", frame("COMMIT", c(1, t(RUN)), c(2, t(text)), c(4, u(1))))
        refuse(f"wait-commit-group-{name}", meaning, "invalid_request", frame("WAIT_COMMIT", c(1, t(RUN)), c(2, t(text))))
    for kind, fields, tag, critical in (
        ("CREATE_EXPERIMENT", [c(1, t("a"))], 3, False), ("UPDATE_EXPERIMENT", [c(1, t(EXPERIMENT))], 3, True),
        ("START_RUN", [c(2, t("a"))], 6, False),
    ):
        def bad_tag(name, meaning, error, *tags, kind=kind, fields=fields, tag=tag, critical=critical):
            refuse(f"{kind.lower().replace('_', '-')}-tag-{name}", meaning, error,
                   frame(kind, *fields, *[field(tag, one, critical) for one in tags]))

        def pair(key, value="v"):
            return c(1, t(key)) + c(2, t(value))

        bad_tag("without-key", "", "invalid_request", c(2, t("v")))
        if kind != "UPDATE_EXPERIMENT":
            bad_tag("without-value", "only UPDATE_EXPERIMENT removes tags", "invalid_request", c(1, t("k")))
        bad_tag("key-empty", "1 to 250 bytes", "invalid_request", pair(""))
        bad_tag("key-of-251-bytes", "1 to 250 bytes, not characters", "invalid_request", pair("é" * 125 + "a"))
        bad_tag("key-line-break", "no control characters", "invalid_request", pair("a\nb"))
        bad_tag("value-of-5001-bytes", "up to 5,000 bytes, not characters", "invalid_request", pair("k", "é" * 2500 + "a"))
        bad_tag("twice", "a key stands at most once", "invalid_request", pair("k", "1"), pair("k", "2"))
        bad_tag("twice-by-normalisation", "two spellings of one letter are one key", "invalid_request", pair("\u00e9"),
                pair("e\u0301"))
        bad_tag("101", "at most 100", "invalid_request", *[pair(f"k{number}") for number in range(101)])
        bad_tag("leftover", "bytes after the last whole field of a tag", "malformed_frame", pair("k") + b"\0")
        bad_tag("unknown-critical", "", "unsupported_message", pair("k") + c(3, b""))
    for kind, fields, tag, critical in (
        ("CREATE_EXPERIMENT", [c(1, t("a"))], 2, False), ("UPDATE_EXPERIMENT", [c(1, t(EXPERIMENT))], 2, True),
        ("START_RUN", [c(2, t("a"))], 5, False),
    ):
        refuse(f"{kind.lower().replace('_', '-')}-description-of-1001", "up to 1,000 code points", "invalid_request",
               frame(kind, *fields, field(tag, t("é" * 1001), critical)))
    refuse("start-run-name-of-256", "up to 255 code points", "invalid_request",
           frame("START_RUN", c(2, t("a")), o(4, t("é" * 256))))


def bad_registry():
    """What requests about experiments, runs and artifacts may not say."""
    for kind in ("GET_EXPERIMENT", "START_RUN"):
        name = kind.lower().replace("_", "-")
        refuse(f"{name}-by-nothing", "exactly one of id and name", "invalid_request", frame(kind))
        refuse(f"{name}-by-id-and-name", "exactly one of id and name", "invalid_request",
               frame(kind, c(1, t(EXPERIMENT)), c(2, t("a"))))
    for value in (0, 1001, 2**32):
        refuse(f"list-experiments-limit-{value}", "1 to 1000", "invalid_request", frame("LIST_EXPERIMENTS", c(3, u(value))))
        refuse(f"list-runs-limit-{value}", "1 to 1000", "invalid_request", frame("LIST_RUNS", c(4, u(value))))
        refuse(f"list-artifacts-limit-{value}", "1 to 1000", "invalid_request",
               frame("LIST_ARTIFACTS", c(1, t(RUN)), c(5, u(value))))
    for value in (0, 3, 257):
        refuse(f"list-experiments-stage-{value}", "no such lifecycle_stage", "invalid_request",
               frame("LIST_EXPERIMENTS", c(2, u(value))))
        refuse(f"update-experiment-stage-{value}", "no such lifecycle_stage", "invalid_request",
               frame("UPDATE_EXPERIMENT", c(1, t(EXPERIMENT)), c(4, u(value))))
    for value in (0, 5, 257):
        refuse(f"list-runs-status-{value}", "no such run_status", "invalid_request", frame("LIST_RUNS", c(2, u(value))))
        refuse(f"end-run-status-{value}", "no such run_status", "invalid_request", frame("END_RUN", c(1, t(RUN)), c(2, u(value))))
    refuse("end-run-running", "no way to end", "invalid_request", frame("END_RUN", c(1, t(RUN)), c(2, u(1))))
    for value in (0, 8, 257):
        refuse(f"list-artifacts-kind-{value}", "no such kind", "invalid_request",
               frame("LIST_ARTIFACTS", c(1, t(RUN)), c(3, u(value))))
    group = c(2, t("g"))
    for name, fields in (
        ("without-members", [group, c(3, u(0))]), ("member-without-group", [c(3, u(0)), c(4, u(1))]),
        ("members-without-group", [c(4, u(1))]), ("only-member", [c(3, u(0))]), ("of-0-members", [group, c(3, u(0)), c(4, u(0))]),
        ("of-10001-members", [group, c(3, u(0)), c(4, u(10001))]), ("member-2-of-2", [group, c(3, u(2)), c(4, u(2))]),
        ("member-of-33-bits", [group, c(3, u(2**32)), c(4, u(2))]), ("of-members-of-33-bits", [group, c(4, u(2**32 + 1))]),
    ):
        refuse(f"commit-{name}", "a member below the 1 to 10,000 of a group, or none of the three", "invalid_request",
               frame("COMMIT", c(1, t(RUN)), *fields))
    refuse("committing-without-fields-leftover", "", "malformed_frame", frame("COMMITTING", b"\0"), "client")


def bad_registry_answers():
    def each(kind, subject, whole, choices):
        for missing in whole:
            refuse(f"{subject}-without-{missing}", f"required field {missing} of a record is missing", "invalid_request",
                   frame(kind, c(1, b"".join(wire for tag, wire in whole.items() if tag != missing))), "client")
        for tag, name, number, critical in choices:
            refuse(f"{subject}-{name}-{number}", f"no such {name}", "invalid_request",
                   frame(kind, c(1, b"".join((whole | {tag: field(tag, u(number), critical)}).values()))), "client")
        refuse(f"{subject}-leftover", "bytes after the last whole field of a record", "malformed_frame",
               frame(kind, c(1, b"".join(whole.values()) + b"\0")), "client")
        refuse(f"{subject}-unknown-critical", "", "unsupported_message",
               frame(kind, c(1, b"".join(whole.values()) + c(999, b""))), "client")

    each("EXPERIMENT", "experiment",
         {1: c(1, t(EXPERIMENT)), 2: o(2, t("a")), 3: o(3, t("a")), 6: c(6, t("s3://a")), 7: o(7, u(1))},
         [(7, "lifecycle-stage", 3, False)])
    each("RUN", "run", {1: c(1, t(RUN)), 2: o(2, t(EXPERIMENT)), 3: o(3, t("a")), 7: o(7, u(1)), 10: c(10, t("s3://a"))},
         [(7, "status", 5, False)])
    each("ARTIFACTS", "artifact", {1: c(1, t("a")), 2: o(2, t("s3://a")), 4: o(4, u(1)), 6: c(6, u(1))},
         [(4, "kind", 8, False), (6, "state", 6, True), (8, "encoding", 4, False)])
    for kind in ("EXPERIMENT_CREATED", "EXPERIMENT", "EXPERIMENT_UPDATED", "RUN_STARTED", "RUN", "RUN_ENDED", "EXPERIMENTS",
                 "RUNS", "COMMIT_WAITED", "ARTIFACTS_DELETED"):
        refuse(f"{kind.lower().replace('_', '-')}-of-nothing", "a required field is missing", "invalid_request", frame(kind),
               "client")
    refuse("experiment-tag-without-value", "only UPDATE_EXPERIMENT removes tags", "invalid_request",
           frame("EXPERIMENT", c(1, b"".join([c(1, t(EXPERIMENT)), o(2, t("a")), o(3, t("a")), o(5, c(1, t("k"))),
                                              c(6, t("s3://a")), o(7, u(1))]))), "client")
    refuse("commit-waited-missing-of-4-bytes", "a repeated integer has 8 bytes too", "malformed_frame",
           frame("COMMIT_WAITED", c(1, u(0)), o(4, u(1)), o(4, b"\1\0\0\0")), "client")
    refuse("commit-waited-missing-of-33-bits", "more than 32 bits", "invalid_request",
           frame("COMMIT_WAITED", c(1, u(0)), o(4, u(2**32))), "client")
    refuse("artifact-job-of-15-bytes", "", "malformed_frame",
           frame("ARTIFACTS", c(1, b"".join([c(1, t("a")), o(2, t("s3://a")), o(4, u(1)), c(6, u(1)), o(12, bytes(15))]))),
           "client")
    refuse("artifacts-incomplete-without-code", "", "invalid_request", frame("ARTIFACTS", o(3, o(2, t("x")))), "client")


def bad_answers():
    required = {
        "WELCOME": {1: c(1, u(1)), 5: o(5, t("x")), 6: o(6, t("file:///x")), 7: o(7, u(1)), 8: o(8, u(1))},
        "ACCEPTED": {1: c(1, job(JOB)), 2: o(2, u(1)), 3: o(3, u(1)), 4: o(4, u(1)), 6: o(6, t("a"))},
        "SPOOL_OPENED": {1: c(1, u(1))}, "WAITED": {1: c(1, u(1)), 2: c(2, u(1))}, "CANCELLED": {1: c(1, u(1))},
        "RETRIED": {1: c(1, u(1))}, "STATUS_REPORT": {1: c(1, t("{}"))}, "GOT": {1: c(1, u(1))}, "ERROR": {1: c(1, u(1))},
    }
    for kind, fields in required.items():
        for missing in fields:
            refuse(f"{kind.lower().replace('_', '-')}-without-{missing}", f"required field {missing} is missing",
                   "invalid_request", frame(kind, *(wire for tag, wire in fields.items() if tag != missing)), "client")
    whole = {1: c(1, job(JOB)), 5: o(5, t("a")), 7: o(7, u(1)), 8: c(8, u(1)), 9: o(9, u(1)), 10: o(10, u(1)),
             11: o(11, u(1)), 13: o(13, u(7)), 14: o(14, t("x/y"))}
    for missing in whole:
        refuse(f"job-record-without-{missing}", f"required field {missing} of a record is missing", "invalid_request",
               frame("JOBS", c(1, b"".join(wire for tag, wire in whole.items() if tag != missing))), "client")
    for tag, name, number, critical in ((8, "state", 6, True), (9, "level", 4, False), (10, "pin", 7, False),
                                        (11, "compression", 5, False), (12, "encoding", 4, False), (13, "kind", 8, False)):
        fields = whole | {tag: field(tag, u(number), critical)}
        refuse(f"job-record-{name}-{number}", f"no such {name}", "invalid_request",
               frame("JOBS", c(1, b"".join(fields.values()))), "client")
    record_bytes = b"".join(whole.values())
    refuse("job-record-leftover", "bytes after the last whole field of a record", "malformed_frame",
           frame("JOBS", c(1, record_bytes + b"\0")), "client")
    refuse("job-record-overrun", "a record's field reaches beyond the record", "malformed_frame",
           frame("JOBS", c(1, record_bytes + struct.pack("<HI", 6, 1)), c(2, i(1))), "client")
    refuse("job-record-unknown-critical", "", "unsupported_message", frame("JOBS", c(1, record_bytes + c(999, b""))), "client")
    refuse("job-record-error-leftover", "two levels deep", "malformed_frame",
           frame("JOBS", c(1, record_bytes + o(22, c(1, u(1)) + b"\0"))), "client")
    refuse("retried-refusal-without-code", "", "invalid_request", frame("RETRIED", c(1, u(0)), o(2, o(2, t("x")))), "client")
    for missing, wire in ((1, o(2, u(1))), (2, c(1, t("x")))):
        refuse(f"object-without-{missing}", f"required field {missing} of an object is missing", "invalid_request",
               frame("OBJECTS", c(1, wire)), "client")
    refuse("accepted-pin-0", "no such pin", "invalid_request",
           frame("ACCEPTED", c(1, job(JOB)), o(2, u(1)), o(3, u(0)), o(4, u(1)), o(6, t("a"))), "client")
    refuse("error-code-65536", "more than 16 bits", "invalid_request", frame("ERROR", c(1, u(65536))), "client")
    refuse("unknown-answer", "", "unsupported_message", frame(0xFFFE), "client")


def main():
    good_session()
    good_put()
    good_jobs()
    good_experiments()
    good_runs()
    good_commits()
    good_artifacts()
    good_others()
    bad_headers()
    bad_fields()
    bad_requests()
    bad_targets()
    bad_names()
    bad_registry()
    bad_answers()
    bad_registry_answers()
    stale = False
    for name, vectors in (("frames.json", good), ("bad.json", bad), ("experiments.json", experiment_ids())):
        names = [vector["name"] for vector in vectors]
        assert len(names) == len(set(names)), "two vectors of one name"
        text = json.dumps({"protocol": 1, "vectors": vectors}, indent=1, ensure_ascii=False) + "\n"
        path = HERE / name
        if "--check" in sys.argv[1:]:
            if not path.exists() or path.read_text("utf-8") != text:
                print(f"{path} is not what make.py writes; run make.py", file=sys.stderr)
                stale = True
        else:
            path.write_text(text, "utf-8")
            print(f"{path.name}: {len(vectors)} vectors")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())

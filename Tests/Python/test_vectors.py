"""The golden vectors: what every implementation of the protocol must read and write alike."""

import dataclasses
import json
import pathlib

import pytest

from artifactd import messages, wire
from artifactd.errors import ArtifactError
from artifactd.experiment import experiment_id

DIRECTORY = pathlib.Path(__file__).resolve().parents[2] / "protocol" / "vectors"


def vectors(name, fits=lambda _: True):
    found = json.loads((DIRECTORY / name).read_text("utf-8"))["vectors"]
    return [pytest.param(vector, id=vector["name"]) for vector in found if fits(vector)]


def decode(data):
    header = wire.decode_header(data)
    assert header.length == len(data)
    return header, wire.decode_payload(header, data[wire.HEADER_SIZE :])


def kind_of(name):
    return getattr(messages, "".join(word.capitalize() for word in name.split("_")))


def plain(message):
    """Content as the vectors write it."""

    def value(field, content):
        if isinstance(field.type, wire.Nested):
            return plain(content)
        return content.hex() if isinstance(content, bytes) else content

    found = {}
    for field in message.FIELDS:
        content = getattr(message, field.name)
        if field.is_repeated:
            found[field.name] = [value(field, each) for each in content]
        elif content is not None:
            found[field.name] = value(field, content)
    return found


def build(kind, content):
    """The message of such content."""

    def value(field, each):
        if isinstance(field.type, wire.Nested):
            return build(field.type.kind, each)
        return bytes.fromhex(each) if field.type is wire.BYTES else each

    fields = {field.name: field for field in kind.FIELDS}
    return kind(
        **{
            name: [value(fields[name], each) for each in content] if fields[name].is_repeated else value(fields[name], content)
            for name, content in content.items()
        }
    )


# A good frame decodes to its content.
@pytest.mark.parametrize("vector", vectors("frames.json"))
def test_decodes(vector):
    header, message = decode(bytes.fromhex(vector["hex"]))
    assert type(message) is kind_of(vector["type"])
    assert (header.request_id, header.descriptors) == (vector["request_id"], vector["descriptors"])
    assert plain(message) == vector["fields"]


# The content of a canonical frame encodes to the same bytes.
@pytest.mark.parametrize("vector", vectors("frames.json", lambda vector: vector["canonical"]))
def test_encodes(vector):
    message = build(kind_of(vector["type"]), vector["fields"])
    assert message.frame(vector["request_id"], vector["descriptors"]).hex() == vector["hex"]


# A bad answer is refused for its reason.
@pytest.mark.parametrize("vector", vectors("bad.json", lambda vector: vector["receiver"] == "client"))
def test_refuses(vector):
    with pytest.raises(ArtifactError) as refusal:
        decode(bytes.fromhex(vector["hex"]))
    assert refusal.value.code == vector["error"]


# What is broken in a header is seen before the rest has come.
@pytest.mark.parametrize("vector", vectors("bad.json", lambda vector: vector["name"].startswith(("length-", "flags-"))))
def test_refuses_headers(vector):
    with pytest.raises(ArtifactError) as refusal:
        wire.decode_header(bytes.fromhex(vector["hex"])[: wire.HEADER_SIZE])
    assert refusal.value.code == vector["error"]


# Every message of the vectors is known, and every known one has a vector.
def test_knows_every_message():
    named = {kind_of(vector.values[0]["type"]) for vector in vectors("frames.json")}
    assert named == set(wire.MESSAGES.values())


# Every field that is declared stands in a canonical vector: no tag goes untested.
def test_tests_every_field():
    seen = set()
    for parameter in vectors("frames.json"):
        message = build(kind_of(parameter.values[0]["type"]), parameter.values[0]["fields"])
        seen |= {(type(message), name) for name in parameter.values[0]["fields"]}
    declared = {(kind, field.name) for kind in wire.MESSAGES.values() for field in dataclasses.fields(kind)}
    assert declared - seen == set()


# Experiments have the ids that every node derives.
@pytest.mark.parametrize("vector", vectors("experiments.json"))
def test_experiment_ids(vector):
    assert experiment_id(vector["tenant"], vector["experiment"]) == vector["id"]

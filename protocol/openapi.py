#!/usr/bin/env python3
"""Writes openapi.json into the source of the gateway, which serves it; with --check only says whether it stands there."""

import json
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
TARGET = HERE.parent / "Sources" / "GatewayCore" / "OpenAPIDocument.swift"


def source():
    text = (HERE / "openapi.json").read_text()
    json.loads(text)
    assert '"""' not in text
    lines = "".join(f"    {line}\n" for line in text.splitlines())
    head = "// Written by protocol/openapi.py, so that the program needs no file beside it; protocol/openapi.json is the one to edit.\n\n/// The API's description: protocol/openapi.json.\nlet openAPIDocument = ##\"\"\"\n"
    return f'{head}{lines}\n    """##\n'


if __name__ == "__main__":
    if sys.argv[1:] == ["--check"]:
        sys.exit(0 if TARGET.read_text() == source() else f"{TARGET.name} is not protocol/openapi.json: run protocol/openapi.py")
    assert not sys.argv[1:], f"usage: {sys.argv[0]} [--check]"
    TARGET.write_text(source())

"""Writes YAML that readers of versions 1.1 and 1.2 take alike, in block style; own code, as the standard library has none.

Texts that could be anything else stand in double quotes; keys are texts always.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any

# What needs no quotes whatever the version: no sign of the syntax, no beginning of a number or a date.
_PLAIN = re.compile(r"[A-Za-z_](?:[A-Za-z0-9_./+-]| (?=[A-Za-z0-9_./+-]))*")
# What some version takes for a bool or for nothing.
_WORDS = frozenset(["true", "false", "yes", "no", "on", "off", "null", "y", "n"])
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r", "\0": "\\0"}
# Beside these escapes: what is not printable in YAML, and what is a line break in some version.
_ESCAPED = re.compile('["\\\\\\x00-\\x1f\\x7f-\\x9f\\u2028\\u2029\\ufeff\\ufffe\\uffff]')


def yaml_text(value: Any) -> str:
    """The document of None, bool, int, float, str, list, and dict with keys of text."""
    return "\n".join(_lines(value)) + "\n"


def _lines(value: Any) -> Iterator[str]:
    """The lines of a value that begins at the left margin."""
    if isinstance(value, dict) and value:
        for key, each in value.items():
            yield from _entry(f"{_text(key)}:", each, "  ")
    elif isinstance(value, list) and value:
        for each in value:
            if isinstance(each, (dict, list)) and each:
                # The first line of what is nested stands behind the dash.
                first, *rest = _lines(each)
                yield f"- {first}"
                yield from (f"  {line}" for line in rest)
            else:
                yield f"- {_scalar(each)}"
    else:
        yield _scalar(value)


def _entry(key: str, value: Any, indent: str) -> Iterator[str]:
    if isinstance(value, (dict, list)) and value:
        yield key
        yield from (f"{indent}{line}" for line in _lines(value))
    else:
        yield f"{key} {_scalar(value)}"


def _scalar(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return _float(value)
    if isinstance(value, str):
        return _text(value)
    return "{}" if isinstance(value, dict) else "[]"


def _float(value: float) -> str:
    if not math.isfinite(value):
        return ".nan" if math.isnan(value) else ".inf" if value > 0 else "-.inf"
    mantissa, mark, exponent = repr(value).partition("e")
    # Version 1.1 knows a float by its point.
    return f"{mantissa if '.' in mantissa else mantissa + '.0'}{mark}{exponent}"


def _text(value: str) -> str:
    if _PLAIN.fullmatch(value) and value.lower() not in _WORDS:
        return value
    return '"' + _ESCAPED.sub(_escape, value) + '"'


def _escape(found: re.Match[str]) -> str:
    character = found.group()
    return _ESCAPES.get(character) or (f"\\x{ord(character):02x}" if character < "\x80" else f"\\u{ord(character):04x}")

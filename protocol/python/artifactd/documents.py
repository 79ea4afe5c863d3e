"""What `log_dict` makes of values: JSON (RFC 8259), or YAML for a path that ends in .yaml or .yml."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from artifactd.errors import NotSerialisable
from artifactd.yaml_text import yaml_text

# json.dumps and the YAML writer go as deep as the stack does.
_DEPTH_LIMIT = 100


def document(value: Any, path: str) -> bytes:
    """The content of the file that shall lie at `path`. Raises `NotSerialisable`, which names the place in the value."""
    is_yaml = path.lower().endswith((".yaml", ".yml"))
    plain = _Plain(is_yaml).of(value, [])
    text = yaml_text(plain) if is_yaml else json.dumps(plain, ensure_ascii=False, indent=2, allow_nan=False) + "\n"
    return text.encode()


class _Plain:
    """Makes of a value what both formats know: None, bool, int, float, str, list, dict with keys of text or integers.

    Tuples become lists. What has `tolist`, as arrays, tensors and their scalars do, becomes what that gives.
    """

    def __init__(self, takes_infinite: bool) -> None:
        self._takes_infinite = takes_infinite
        self._enclosing: list[int] = []

    def of(self, value: Any, place: list[str]) -> Any:
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, str):
            return self._text(str(value), place)
        if isinstance(value, int):
            return self._integer(int(value), place)
        if isinstance(value, float):
            return self._number(float(value), place)
        if isinstance(value, (Mapping, list, tuple)):
            return self._nested(value, place)
        if callable(made := getattr(value, "tolist", None)):
            return self._converted(value, made, place)
        raise _refusal(place, f"is a {type(value).__name__}; convert it to a number, a text, a list or a dict")

    def _text(self, value: str, place: list[str]) -> str:
        try:
            value.encode()
        except UnicodeEncodeError:
            raise _refusal(place, f"is {value!r}, which has no UTF-8 form; convert it") from None
        return value

    def _integer(self, value: int, place: list[str]) -> int:
        if value.bit_length() > 64:
            try:
                # Python writes no more digits than `sys.set_int_max_str_digits` allows.
                str(value)
            except ValueError as cause:
                raise _refusal(place, "is an int with too many digits; convert it to hex()", cause) from None
        return value

    def _number(self, value: float, place: list[str]) -> float:
        if not self._takes_infinite and not math.isfinite(value):
            raise _refusal(place, f"is {value}, which JSON has no form for; leave it out, or log to a .yaml path")
        return value

    def _nested(self, value: Any, place: list[str]) -> Any:
        if id(value) in self._enclosing:
            raise _refusal(place, "contains itself; leave that out")
        if len(place) >= _DEPTH_LIMIT:
            raise _refusal(place, f"is nested more than {_DEPTH_LIMIT} deep; make it flatter")
        self._enclosing.append(id(value))
        try:
            if isinstance(value, Mapping):
                return self._mapping(value, place)
            return [self.of(each, [*place, f"[{index}]"]) for index, each in enumerate(value)]
        finally:
            self._enclosing.pop()

    def _mapping(self, value: Mapping[Any, Any], place: list[str]) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for key, each in value.items():
            if isinstance(key, bool) or not isinstance(key, (str, int)):
                raise _refusal(place, f"has the key {key!r} of type {type(key).__name__}; keys must be text or integers")
            text = self._text(str(self._integer(key, place) if isinstance(key, int) else key), place)
            if text in made:
                raise _refusal(place, f"has two keys that are written as {text!r}; rename one")
            made[text] = self.of(each, [*place, f".{text}"])
        return made

    def _converted(self, value: Any, convert: Any, place: list[str]) -> Any:
        try:
            made = convert()
        except Exception as cause:
            raise _refusal(place, f"is a {type(value).__name__} whose tolist() fails; convert it yourself", cause) from cause
        if type(made) is type(value):
            raise _refusal(place, f"is a {type(value).__name__}; convert it to a number, a text, a list or a dict")
        return self.of(made, place)


def _refusal(place: list[str], why: str, cause: Exception | None = None) -> NotSerialisable:
    shown = "".join(place).removeprefix(".")
    message = f"the dict cannot be logged: {f'`{shown}`' if shown else 'it'} {why}"
    return NotSerialisable("not_serialisable", message, repr(cause) if cause is not None else None)

"""Checks what public calls are given, by the parameters' names: they mean the same throughout this package.

What paths, names and tags may say is the affair of `checks`; here only what no code behind could make sense of is refused.
"""

from __future__ import annotations

import functools
import inspect
import os
import reprlib
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, TypeVar, cast

from artifactd.errors import InvalidRequest
from artifactd.run_path import RunPath

AnyClass = TypeVar("AnyClass", bound=type)
AnyFunction = TypeVar("AnyFunction", bound=Callable[..., Any])


class _Kind(NamedTuple):
    """What a parameter takes, beside None."""

    fits: Callable[[Any], bool]
    wanted: str


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and value != ""


def _is_path(value: Any) -> bool:
    return isinstance(value, (str, bytes, os.PathLike)) and len(os.fspath(value)) > 0


def _is_text_path(value: Any) -> bool:
    return _is_path(value) and isinstance(os.fspath(value), str)


def _is_duration(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= threading.TIMEOUT_MAX


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_list(value: Any) -> bool:
    return isinstance(value, Iterable) and not isinstance(value, (str, bytes, Mapping))


def _is_options(value: Any) -> bool:
    return isinstance(value, Mapping) and all(isinstance(key, str) for key in value)


_TEXT = _Kind(_is_text, "a str that is not empty")
_PATH = _Kind(_is_path, "a path, as str or pathlib.Path, that is not empty")
_TEXT_PATH = _Kind(_is_text_path, _PATH.wanted)
_DURATION = _Kind(_is_duration, "a number of seconds, finite and not negative")
_COUNT = _Kind(_is_count, "an int that is not negative")
_FLAG = _Kind(lambda value: isinstance(value, bool), "True or False")

_KINDS: dict[str, _Kind] = {
    **dict.fromkeys(["timeout", "daemon_timeout", "retry_timeout", "answer_timeout", "exit_timeout"], _DURATION),
    **dict.fromkeys(["artifact_location", "content_type", "experiment_id", "name", "tenant", "tenant_id", "uri"], _TEXT),
    **dict.fromkeys(["label", "prefix", "search"], _Kind(lambda value: isinstance(value, str), "a str")),
    **dict.fromkeys(["limit", "offset", "page_size", "size_hint"], _COUNT),
    **dict.fromkeys(["progress", "recursive"], _FLAG),
    **dict.fromkeys(["dst_path", "socket"], _TEXT_PATH),
    "local_dir": _PATH,
    "offline_dir": _Kind(lambda value: value == "" or _is_text_path(value), "a path, as str or pathlib.Path, or '' for none"),
    "target": _Kind(lambda value: _is_path(value) or hasattr(value, "write"), "a path or an open binary file"),
    "destination": _Kind(lambda value: _is_text(value) or isinstance(value, RunPath), "a URI, a key, or a RunPath"),
    "on_put": _Kind(callable, "a function"),
    "state": _Kind(lambda value: isinstance(value, str) or _is_list(value), "a state or a list of states"),
    "jobs": _Kind(_is_list, "a list of tickets or jobs' ids"),
    "ids": _Kind(_is_list, "a list of jobs' ids"),
    "save_options": _Kind(_is_options, "a dict whose keys are str"),
    "idempotency_key": _Kind(lambda value: isinstance(value, bytes) and 1 <= len(value) <= 128, "1 to 128 bytes"),
}
# What hand-overs take besides, and calls that make one pass on.
_OPTIONS = ("level", "compression", "content_type", "on_change", "label", "idempotency_key")


def checked_arguments(cls: AnyClass) -> AnyClass:
    """Has the public methods of a class, and its constructor, raise `InvalidRequest` for arguments that cannot be."""
    for name, member in list(vars(cls).items()):
        if inspect.isfunction(member) and (name == "__init__" or not name.startswith("_")):
            setattr(cls, name, checked_call(member, cls.__name__ if name == "__init__" else name))
    return cls


def checked_call(function: AnyFunction, called: str | None = None) -> AnyFunction:
    """The same for one function; `called` is what messages name it, by default its own name."""
    shown = called or function.__name__
    parameters = list(inspect.signature(function).parameters.values())
    # Annotations are text here, and say whether None is possible.
    checks = [(place, each.name, "None" in each.annotation) for place, each in enumerate(parameters) if each.name in _KINDS]
    named = {each.name for each in parameters}
    has_options = "options" in named and any(each.kind is inspect.Parameter.VAR_KEYWORD for each in parameters)
    if not checks and not has_options:
        return function

    @functools.wraps(function)
    def checking(*args: Any, **kwargs: Any) -> Any:
        for place, name, takes_none in checks:
            if place < len(args):
                _check(shown, name, args[place], takes_none)
            elif name in kwargs:
                _check(shown, name, kwargs[name], takes_none)
        if has_options:
            for name in kwargs.keys() - named:
                if name not in _OPTIONS:
                    raise _refusal(f"{shown} has no option {name!r}; its options are {', '.join(_OPTIONS)}")
                if name in _KINDS:
                    _check(shown, name, kwargs[name], True)
        return function(*args, **kwargs)

    return cast(AnyFunction, checking)


def _check(called: str, name: str, value: Any, takes_none: bool) -> None:
    kind = _KINDS[name]
    if not (kind.fits(value) or (value is None and takes_none)):
        wanted = f"{kind.wanted}, or None" if takes_none else kind.wanted
        try:
            given = reprlib.repr(value)
        except Exception:
            # What has no form as text, as ints of too many digits.
            given = f"this {type(value).__name__}"
        raise _refusal(f"{called}: {name} must be {wanted}, not {given}")


def _refusal(message: str) -> InvalidRequest:
    return InvalidRequest("invalid_request", message)

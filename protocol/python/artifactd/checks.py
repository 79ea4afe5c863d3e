"""What names, tags and paths may be. The daemon has the last word; what is said here is said before anything is sent."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from artifactd.errors import InvalidKey, InvalidRequest
from artifactd.messages import Tag, TagChange

NAME_LIMIT = 255
DESCRIPTION_LIMIT = 1000
_TAGS_LIMIT = 100
_TAG_KEY_LIMIT = 250
_TAG_VALUE_LIMIT = 5000
# The longest key that S3 takes, in bytes; the prefix of the run counts too, which the daemon sees to.
_KEY_LIMIT = 1024


def _is_control(character: str) -> bool:
    return character < " " or "\x7f" <= character <= "\x9f"


def _text(value: Any, what: str) -> str:
    if not isinstance(value, str):
        raise InvalidRequest("invalid_request", f"{what} must be text, not {type(value).__name__}; give a str")
    try:
        value.encode()
    except UnicodeEncodeError as cause:
        raise InvalidRequest("invalid_request", f"{what} {value!r} has no UTF-8 form; choose another", str(cause)) from None
    return value


def number_text(value: int | float, what: str) -> str:
    """A number as text. Raises `InvalidRequest` for an int with more digits than Python writes."""
    try:
        return str(value)
    except ValueError as cause:
        raise InvalidRequest("invalid_request", f"{what} has too many digits; log it as text", str(cause)) from None


def checked_name(name: Any, what: str = "an experiment's name") -> str:
    """A name of 1 to 255 code points without control characters. Raises `InvalidRequest`."""
    text = _text(name, what)
    if not 1 <= len(text) <= NAME_LIMIT:
        shown = f"{text[:40]}…" if len(text) > NAME_LIMIT else text
        message = f"{what} has 1 to {NAME_LIMIT} characters; '{shown}' has {len(text)}: choose another"
        raise InvalidRequest("invalid_request", message)
    if any(map(_is_control, text)):
        raise InvalidRequest("invalid_request", f"{what} has no control characters; {text!r} has: choose another")
    return text


def checked_run_name(name: Any) -> str:
    """As `checked_name`; a run may have none."""
    return "" if name is None or name == "" else checked_name(name, "a run's name")


def checked_description(description: Any) -> str:
    """Up to 1,000 code points. Raises `InvalidRequest`."""
    text = _text(description, "a description")
    if len(text) > DESCRIPTION_LIMIT:
        message = f"a description has up to {DESCRIPTION_LIMIT} characters, this one has {len(text)}: shorten it"
        raise InvalidRequest("invalid_request", message)
    return text


def checked_tags(tags: Mapping[str, Any] | None, others: Mapping[str, str] | None = None) -> list[Tag]:
    """At most 100 of them, keys of 1 to 250 bytes, values of up to 5,000; numbers and booleans become text.

    Of `others` those that the tags do not name are added. Raises `InvalidRequest`.
    """
    if not isinstance(tags, (Mapping, type(None))):
        raise InvalidRequest("invalid_request", f"tags must be a dict, not {type(tags).__name__}")
    tags = {**(others or {}), **(tags or {})}
    if len(tags) > _TAGS_LIMIT:
        raise InvalidRequest("invalid_request", f"at most {_TAGS_LIMIT} tags are possible, not {len(tags)}; use log_dict")
    return [Tag(key=checked_tag_key(key), value=checked_tag_value(key, value)) for key, value in tags.items()]


def checked_tag_changes(tags: Mapping[str, Any] | None) -> list[TagChange]:
    """As `checked_tags`; a value of None removes the tag."""
    if not isinstance(tags, Mapping):
        return [TagChange(key=tag.key, value=tag.value) for tag in checked_tags(tags)]
    removed = [key for key, value in tags.items() if value is None]
    changed = checked_tags({key: value for key, value in tags.items() if value is not None})
    return [
        *(TagChange(key=tag.key, value=tag.value) for tag in changed),
        *(TagChange(key=checked_tag_key(key)) for key in removed),
    ]


def checked_tag_key(key: Any) -> str:
    """Raises `InvalidRequest`."""
    text = _text(key, "a tag's key")
    size = len(text.encode())
    if not 1 <= size <= _TAG_KEY_LIMIT:
        message = f"a tag's key has 1 to {_TAG_KEY_LIMIT} bytes; '{text[:40]}' has {size}: choose another"
        raise InvalidRequest("invalid_request", message)
    if any(map(_is_control, text)):
        raise InvalidRequest("invalid_request", f"a tag's key has no control characters; {text!r} has: choose another")
    return text


def checked_tag_value(key: str, value: Any) -> str:
    """Raises `InvalidRequest`."""
    if isinstance(value, (bool, int, float)):
        value = number_text(value, f"the value of tag '{key}'")
    text = _text(value, f"the value of tag '{key}'")
    size = len(text.encode())
    if size > _TAG_VALUE_LIMIT:
        message = f"a tag's value has up to {_TAG_VALUE_LIMIT} bytes, that of '{key}' has {size}: log it with log_text"
        raise InvalidRequest("invalid_request", message)
    return text


def checked_path(path: Any) -> str:
    """An artifact's path in its run: parts between single slashes, none of them `.` or `..`. Raises `InvalidKey`."""
    if not isinstance(path, (str, os.PathLike)) or not isinstance(text := os.fspath(path), str):
        raise InvalidKey("invalid_key", f"an artifact's path must be text such as 'plots/loss.png', not {type(path).__name__}")

    def refusal(why: str) -> InvalidKey:
        return InvalidKey("invalid_key", f"{text!r} cannot be an artifact's path: {why}")

    if not text:
        raise refusal("it is empty; name one, such as 'plots/loss.png'")
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        raise refusal("it has no UTF-8 form; rename it") from None
    if size > _KEY_LIMIT:
        raise refusal(f"it has {size} bytes, and keys in S3 have at most {_KEY_LIMIT}; shorten it")
    if any(map(_is_control, text)):
        raise refusal("it has control characters; rename it")
    for part in text.split("/"):
        if part in (".", ".."):
            raise refusal(f"it has the part '{part}'; write the plain path below the run")
        if not part:
            raise refusal("it begins or ends with a slash, or has two in a row; write the plain path below the run")
    return text


def checked_directory(path: Any) -> str:
    """As `checked_path`, for a directory of the run: a slash at its end may stand; None and "" are the run itself."""
    if path is None or path == "":
        return ""
    text = os.fspath(path) if isinstance(path, os.PathLike) else path
    return checked_path(text.rstrip("/") or text if isinstance(text, str) else text)


def checked_limit(limit: int) -> None:
    """Raises `InvalidRequest` for a page that cannot be."""
    if not 1 <= limit <= 1000:
        raise InvalidRequest("invalid_request", f"limit must be 1 to 1,000, not {limit}")

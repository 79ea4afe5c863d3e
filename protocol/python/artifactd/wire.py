"""Frames and fields (section 2 of the specification): how messages become bytes. No I/O, and no message by name.

A message is a dataclass whose fields say their tags and types:

    @message(0x0022)
    class Cancel(Message):
        id: str = required(CRITICAL | 1, JOB_ID)
"""

from __future__ import annotations

import dataclasses
import struct
import uuid
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, TypeVar

from artifactd.errors import InvalidRequest, error

if TYPE_CHECKING:
    from typing_extensions import dataclass_transform
else:
    # Part of the standard library from Python 3.11 on, and only for type checkers.
    def dataclass_transform(**_: Any) -> Any:  # noqa: D103
        return lambda declare: declare


CRITICAL = 0x8000
ANSWER = 0x8000
ERROR_TYPE = 0xFFFF
HEADER_SIZE = 16
FRAME_LIMIT = 1 << 20

_HEADER = struct.Struct("<IHBBQ")
_FIELD = struct.Struct("<HI")
_UNSIGNED = struct.Struct("<Q")
_SIGNED = struct.Struct("<q")


# --- Types of values ---


class FieldType:
    """How a value stands on the wire. `encode` raises `InvalidRequest` for what cannot stand there."""

    def encode(self, value: Any) -> bytes:
        raise NotImplementedError

    def decode(self, data: bytes) -> Any:
        """Raises `malformed_frame` for a wrong length, `invalid_request` for a wrong value."""
        raise NotImplementedError


class _Integer(FieldType):
    def __init__(self, name: str, low: int, high: int) -> None:
        self.name, self.low, self.high = name, low, high
        self.struct = _SIGNED if low < 0 else _UNSIGNED

    def encode(self, value: Any) -> bytes:
        if not isinstance(value, int) or not self.low <= value <= self.high:
            raise InvalidRequest("invalid_request", f"{value!r} is no integer or out of range: {self.low} to {self.high}")
        return self.struct.pack(value)

    def decode(self, data: bytes) -> Any:
        if len(data) != 8:
            raise error("malformed_frame", f"an integer of {len(data)} bytes instead of 8")
        (value,) = self.struct.unpack(data)
        if not self.low <= value <= self.high:
            raise error("invalid_request", f"{value} does not fit into a {self.name}")
        return value


class _Boolean(FieldType):
    def encode(self, value: Any) -> bytes:
        return _UNSIGNED.pack(1 if value else 0)

    def decode(self, data: bytes) -> Any:
        value = U64.decode(data)
        if value > 255:
            raise error("invalid_request", f"{value} is no bool")
        return value != 0


class _Text(FieldType):
    def encode(self, value: Any) -> bytes:
        try:
            return str.encode(value)
        except (TypeError, UnicodeEncodeError) as cause:
            raise InvalidRequest("invalid_request", f"{value!r} is no text that has a UTF-8 form", str(cause)) from None

    def decode(self, data: bytes) -> Any:
        try:
            return data.decode()
        except UnicodeDecodeError as cause:
            raise error("invalid_request", "a text is not UTF-8", str(cause)) from None


class _Bytes(FieldType):
    def encode(self, value: Any) -> bytes:
        if not isinstance(value, bytes):
            raise InvalidRequest("invalid_request", f"{value!r} is no bytes")
        return value

    def decode(self, data: bytes) -> Any:
        return data


class _JobID(FieldType):
    def encode(self, value: Any) -> bytes:
        try:
            return uuid.UUID(value).bytes
        except (AttributeError, TypeError, ValueError):
            raise InvalidRequest("invalid_request", f"{value!r} is no job id; one looks like {uuid.UUID(int=0)}") from None

    def decode(self, data: bytes) -> Any:
        if len(data) != 16:
            raise error("malformed_frame", f"a job id of {len(data)} bytes instead of 16")
        return str(uuid.UUID(bytes=data))


class Named(FieldType):
    """A number with a name; values are the names. `width` 8 is an integer, 1 a single byte.

    `unknown_up_to`: numbers without a name up to this one are kept as they are.
    """

    def __init__(self, what: str, names: Mapping[str, int], width: int = 8, unknown_up_to: int = -1) -> None:
        self.what, self.width, self.unknown_up_to = what, width, unknown_up_to
        self.names = {number: name for name, number in names.items()}
        self._encoded = {name: number.to_bytes(width, "little") for name, number in names.items()}

    def encode(self, value: Any) -> bytes:
        found = self._encoded.get(value) if isinstance(value, str) else None
        if found is None:
            raise InvalidRequest("invalid_request", f"{value!r} is no {self.what}; choose one of {', '.join(self._encoded)}")
        return found

    def decode(self, data: bytes) -> Any:
        if len(data) != self.width:
            raise error("malformed_frame" if self.width == 8 else "invalid_request", f"a {self.what} of {len(data)} bytes")
        number = int.from_bytes(data, "little")
        if number not in self.names and number > self.unknown_up_to:
            raise error("invalid_request", f"{number} is no {self.what} that is known here")
        return self.names.get(number, number)


class Nested(FieldType):
    """The fields of another message or record."""

    def __init__(self, kind: type[Message]) -> None:
        self.kind = kind

    def encode(self, value: Any) -> bytes:
        encoded: bytes = value.encode()
        return encoded

    def decode(self, data: bytes) -> Any:
        return self.kind.decode(data)


U64 = _Integer("u64", 0, 2**64 - 1)
U32 = _Integer("u32", 0, 2**32 - 1)
U16 = _Integer("u16", 0, 2**16 - 1)
I64 = _Integer("i64", -(2**63), 2**63 - 1)
BOOL = _Boolean()
TEXT = _Text()
BYTES = _Bytes()
JOB_ID = _JobID()


# --- Fields ---


class Field(NamedTuple):
    """One row of a message's table."""

    name: str
    tag: int
    type: FieldType
    default: Any = None
    is_required: bool = False
    is_repeated: bool = False
    omits_default: bool = False


def required(tag: int, type: FieldType) -> Any:
    """A field without which the message is refused."""
    return dataclasses.field(metadata={"wire": Field("", tag, type, is_required=True)})


def optional(tag: int, type: FieldType, default: Any = None, *, omits_default: bool = False) -> Any:
    """A field that may be absent. None is never written, another default is, unless `omits_default`."""
    return dataclasses.field(default=default, metadata={"wire": Field("", tag, type, default, omits_default=omits_default)})


def repeated(tag: int, type: FieldType) -> Any:
    """A field that may stand any number of times: a list."""
    return dataclasses.field(default_factory=list, metadata={"wire": Field("", tag, type, is_repeated=True)})


AnyMessage = TypeVar("AnyMessage", bound="Message")


class Message:
    """The base of messages, and of the records nested in them."""

    __slots__ = ()

    TYPE: ClassVar[int] = 0
    FIELDS: ClassVar[tuple[Field, ...]] = ()
    _BY_TAG: ClassVar[dict[int, Field]] = {}

    def encode(self) -> bytes:
        """The payload: fields by rising number."""
        parts: list[bytes] = []
        for field in self.FIELDS:
            value = getattr(self, field.name)
            if field.is_repeated:
                for each in value:
                    data = field.type.encode(each)
                    parts += _FIELD.pack(field.tag, len(data)), data
            elif value is not None and not (field.omits_default and value == field.default):
                data = field.type.encode(value)
                parts += _FIELD.pack(field.tag, len(data)), data
        return b"".join(parts)

    @classmethod
    def decode(cls: type[AnyMessage], payload: bytes) -> AnyMessage:
        """The message of a payload; raises `ArtifactError` with the codes of section 13."""
        values: dict[str, Any] = {}
        offset, end = 0, len(payload)
        unknown = None
        while offset < end:
            if end - offset < _FIELD.size:
                raise error("malformed_frame", f"{end - offset} bytes are left over after the last field")
            tag, length = _FIELD.unpack_from(payload, offset)
            offset += _FIELD.size
            if length > end - offset:
                raise error("malformed_frame", f"field {tag & ~CRITICAL} reaches {length - (end - offset)} bytes beyond the end")
            field = cls._BY_TAG.get(tag)
            if field is None:
                if tag & CRITICAL:
                    unknown = tag
            elif field.is_repeated:
                values.setdefault(field.name, []).append(field.type.decode(payload[offset : offset + length]))
            elif field.name in values:
                raise error("malformed_frame", f"{cls.__name__}.{field.name} stands twice")
            else:
                values[field.name] = field.type.decode(payload[offset : offset + length])
            offset += length
        if unknown is not None:
            raise error("unsupported_message", f"{cls.__name__}: field {unknown & ~CRITICAL} is critical and not known here")
        for field in cls.FIELDS:
            if field.is_required and field.name not in values:
                raise error("invalid_request", f"{cls.__name__}.{field.name} is missing")
        return cls(**values)

    def frame(self, request_id: int, descriptors: int = 0) -> bytes:
        """The whole frame."""
        payload = self.encode()
        length = HEADER_SIZE + len(payload)
        if length > FRAME_LIMIT:
            raise error("frame_too_large", f"a {type(self).__name__} of {length} bytes does not fit into a frame; ask for less")
        return _HEADER.pack(length, self.TYPE, 0, descriptors, request_id) + payload


MESSAGES: dict[int, type[Message]] = {}


@dataclass_transform(kw_only_default=True)
def record(cls: type[AnyMessage]) -> type[AnyMessage]:
    """Declares what stands nested in messages."""
    made = dataclasses.dataclass(kw_only=True)(cls)
    fields = tuple(field.metadata["wire"]._replace(name=field.name) for field in dataclasses.fields(made))  # type: ignore[arg-type]
    made.FIELDS = tuple(sorted(fields, key=lambda field: field.tag & ~CRITICAL))
    made._BY_TAG = {field.tag: field for field in fields}
    return made


@dataclass_transform(kw_only_default=True)
def message(number: int) -> Callable[[type[AnyMessage]], type[AnyMessage]]:
    """Declares the message of a type's number."""

    def declare(cls: type[AnyMessage]) -> type[AnyMessage]:
        made = record(cls)
        made.TYPE = number
        MESSAGES[number] = made
        return made

    return declare


# --- Frames ---


class Header(NamedTuple):
    """The first 16 bytes of a frame."""

    length: int
    type: int
    descriptors: int
    request_id: int


def decode_header(data: bytes | bytearray, offset: int = 0) -> Header | None:
    """The header that begins there; None while it is incomplete. Raises `ArtifactError` before anything is allocated."""
    if len(data) - offset < HEADER_SIZE:
        return None
    length, number, flags, descriptors, request_id = _HEADER.unpack_from(data, offset)
    if length > FRAME_LIMIT:
        raise error("frame_too_large", f"a frame of {length} bytes; at most {FRAME_LIMIT} are possible")
    if length < HEADER_SIZE or flags != 0 or descriptors > 1:
        raise error("malformed_frame", f"a header says length {length}, flags {flags}, {descriptors} descriptors")
    return Header(length, number, descriptors, request_id)


def decode_payload(header: Header, payload: bytes) -> Message:
    """The message behind a header."""
    kind = MESSAGES.get(header.type)
    if kind is None:
        raise error("unsupported_message", f"messages of type {header.type:#06x} are not known here")
    return kind.decode(payload)

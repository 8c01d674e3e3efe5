"""From JSON to a typed message: the discriminated union of all message types.

The union is built on the first parse and again when a type was added since.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial, reduce
from operator import or_
from typing import Annotated, Any, NamedTuple

from pydantic import Field, TypeAdapter, ValidationError
from pydantic_core import from_json

from messages.base import Message, registered_types
from messages.errors import (
    InvalidMessage,
    PostroomError,
    UnknownMessageType,
    UnknownSchemaVersion,
    invalid,
    untagged,
)
from messages.limits import check_limits


class Parsed(NamedTuple):
    """A message read from the wire, and the fields that this release does not know."""

    message: Message
    unknown_fields: tuple[str, ...] = ()


def message_types() -> Mapping[str, type[Message]]:
    """All message types that are imported.

    Returns:
        Wire name to class, in alphabetical order.
    """
    return dict(sorted(registered_types().items()))


def message_class(name: str) -> type[Message]:
    """The class of one message type.

    Args:
        name: Its wire name, such as `EMAIL`.

    Returns:
        The class.

    Raises:
        UnknownMessageType: If no imported class has that name.
    """
    found = registered_types().get(name)
    if found is None:
        raise UnknownMessageType(
            f"There is no message type {name!r}; known are {', '.join(message_types())}.",
            field="messageType",
        )
    return found


def parse_message(data: bytes | str | Mapping[str, Any]) -> Message:
    """Read a message, leaving out fields that a newer producer may have added.

    Args:
        data: The JSON, or the object it stands for; at most 256 kB.

    Returns:
        The message, as the class of its type.

    Raises:
        UnknownMessageType: If its type is not imported here, or its version is newer.
        InvalidMessage: If it is not a valid message; the error names the first wrong field.
    """
    return read_message(data).message


def new_message(name: str, data: Any, **envelope: Any) -> Message:
    """Make a message from data in wire form, as strictly as a constructor.

    Args:
        name: The wire name of its type, such as `EMAIL`.
        data: The data object, in wire names.
        envelope: Further fields of the envelope, in wire names, such as `userId`.

    Returns:
        The message, with a new id.

    Raises:
        UnknownMessageType: If no imported class has that name.
        InvalidMessage: If a field is wrong, missing or unknown; the error names it.
    """
    cls = message_class(name)
    text = _as_bytes({"messageType": name, "data": data, **envelope})
    check_limits(text)
    try:
        return cls.model_validate_json(text, by_alias=True, by_name=False)
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)
        raise invalid(details, about=name) from error


def read_message(data: bytes | str | Mapping[str, Any]) -> Parsed:
    """As `parse_message`, and tell which unknown fields were left out."""
    text = data if type(data) is bytes else _as_bytes(data)
    check_limits(text)
    try:
        message = _reader()(text)
    except ValidationError as error:
        return _read_again(text, error)
    if message.schema_version != message.version:
        raise _of_another_version(message)
    return Parsed(message)


def _read_again(text: bytes, error: ValidationError) -> Parsed:
    details = error.errors(include_url=False, include_input=False)
    kinds = {detail["type"] for detail in details}
    if kinds == {"json_invalid"}:
        raise _not_json(details[0]["msg"]) from error
    content = from_json(text)
    name = _known_type(content)
    _refuse_newer(name, content.get("schemaVersion"))
    if kinds == {"extra_forbidden"}:
        _refuse_nan(text)
        return _without_unknown(content, [untagged(detail["loc"], name) for detail in details])
    # What a newer producer added is no fault; what is wrong beside it is.
    wrong = [detail for detail in details if detail["type"] != "extra_forbidden"]
    raise invalid(wrong, about=name) from error


def _refuse_nan(text: bytes) -> None:
    # In known fields the types refuse NaN and Infinity; here nobody has looked at the others.
    try:
        from_json(text, allow_inf_nan=False)
    except ValueError as error:
        raise _not_json(str(error)) from error


def _without_unknown(content: dict[str, Any], paths: list[Sequence[int | str]]) -> Parsed:
    for path in paths:
        holder: Any = content
        for step in path[:-1]:
            holder = holder[step]
        del holder[path[-1]]
    # Dropping fields can only make the content valid or show the errors they hid.
    parsed = read_message(content)
    names = (*(".".join(map(str, path)) for path in paths), *parsed.unknown_fields)
    return Parsed(parsed.message, names)


def _of_another_version(message: Message) -> PostroomError:
    written, known = message.schema_version, message.version
    if written > known:
        return _newer(message.message_type, written, known)
    return InvalidMessage(
        f"{message.message_type} was written in version {written}; "
        f"this release reads version {known} only.",
        field="schemaVersion",
        remedy="Give new fields defaults instead of raising `version`, or send it again.",
        code="no_upcaster",
    )


def _refuse_newer(name: str, written: object) -> None:
    # A newer version may break this release's rules: say that, not that its fields are wrong.
    known = message_class(name).version
    if isinstance(written, int) and written > known:
        raise _newer(name, written, known)


def _newer(name: str, written: int, known: int) -> UnknownSchemaVersion:
    return UnknownSchemaVersion(
        f"{name} has version {written}; this release knows versions up to {known}.",
        field="schemaVersion",
    )


def _not_json(why: str) -> InvalidMessage:
    return InvalidMessage(
        f"The message is not JSON: {why}.", remedy="Send one JSON object.", code="not_json"
    )


def _known_type(content: Any) -> str:
    name = content.get("messageType") if isinstance(content, dict) else None
    if not isinstance(name, str):
        raise InvalidMessage(
            "The message is not an object that says its messageType.",
            field="messageType",
            remedy=f"Set it to one of {', '.join(message_types())}.",
        )
    message_class(name)
    return name


def _as_bytes(data: bytes | str | Mapping[str, Any]) -> bytes:
    if isinstance(data, bytes):
        return data
    try:
        text = data if isinstance(data, str) else _dumped(data)
        return text.encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidMessage(
            f"The message cannot be written as JSON: {error}.",
            remedy="Use only objects, lists, text, numbers, true, false and null.",
            code="not_json",
        ) from error


def _dumped(data: Mapping[str, Any]) -> str:
    return json.dumps(dict(data), allow_nan=False, ensure_ascii=False, separators=(",", ":"))


_Reader = Callable[[bytes], Message]

_newest: tuple[Mapping[str, type[Message]], _Reader] | None = None  # the types, and who reads them


def _reader() -> _Reader:
    global _newest  # noqa: PLW0603 - asked for every message, and made anew when a type was declared
    types = registered_types()
    if _newest is None or _newest[0] is not types:
        adapter = _adapter(tuple(dict.fromkeys(types.values())))
        _newest = types, partial(adapter.validator.validate_json, by_alias=True, by_name=False)
    return _newest[1]


def _adapter(classes: tuple[type[Message], ...]) -> TypeAdapter[Message]:
    # Any: the union exists only at run time, so no annotation can name it.
    union: Any = reduce(or_, classes) if classes else Message
    if len(classes) > 1:
        union = Annotated[union, Field(discriminator="message_type")]
    return TypeAdapter(union)

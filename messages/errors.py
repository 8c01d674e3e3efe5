"""What can be wrong with a message, said so that a person can mend it.

Every error of Postroom has the same four parts; `workers` builds its own errors on `PostroomError`.
"""

from collections.abc import Sequence
from typing import ClassVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails
from typing_extensions import override


class PostroomError(Exception):
    """An error with a stable code, the field it is about, its cause and its remedy.

    Args:
        message: What is wrong, a full sentence.
        field: The wire path of the value at fault, such as `data.to`; None if it is not about one.
        remedy: What the reader can do about it, a full sentence.
        code: Overrides the class's own code where one class covers several cases.
    """

    code: str = "error"
    remedy_text: ClassVar[str] = ""

    def __init__(
        self, message: str, *, field: str | None = None, remedy: str = "", code: str | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        self.remedy = remedy or self.remedy_text
        self.code = code or self.code

    def as_dict(self) -> dict[str, str | None]:
        """The error as the CLI and the HTTP API print it.

        Returns:
            The keys `code`, `field`, `message` and `remedy`.
        """
        return {
            "code": self.code,
            "field": self.field,
            "message": self.message,
            "remedy": self.remedy,
        }

    @override
    def __str__(self) -> str:
        return f"{self.message} {self.remedy}".strip()


class InvalidMessage(PostroomError, ValueError):
    """The data does not fit its message type; it never will, so nobody should retry it."""

    code = "invalid_payload"
    remedy_text = "Correct it; `postroom schema` shows what fits each type."


class UnknownMessageType(InvalidMessage):
    """No class is registered under this `messageType`."""

    code = "unknown_type"
    remedy_text = (
        "Deploy the package that declares it and name that package in MESSAGE_PACKAGES, "
        "or correct the name."
    )


class UnknownSchemaVersion(UnknownMessageType):
    """The message was written by a newer release than this one can read."""

    code = "unknown_type"
    remedy_text = "Deploy the newer release to every worker of this queue."


class DuplicateMessageType(PostroomError, TypeError):
    """Two classes claim the same wire name: a programming error, raised at import."""

    code = "duplicate_message_type"
    remedy_text = "Give one of them another `message_type`."


_IN_WORDS = {"string_pattern_mismatch": "The text does not have the form that this field needs"}
"""Where pydantic's own sentence shows a regular expression."""


def invalid(error: ValidationError, *, about: str, inside: str = "") -> InvalidMessage:
    """Turn pydantic's report into the one error a caller sees.

    Args:
        error: The report; its first entry decides the field.
        about: The message type or class name the data was meant for.
        inside: The wire path that the report's own paths start from, such as `data`.

    Returns:
        An error that names the first wrong field and says how many others there are.
    """
    details = error.errors(include_url=False, include_input=False, include_context=True)
    first = details[0]
    field = ".".join(part for part in (inside, wire_path(first, about)) if part) or None
    others = f" ({len(details) - 1} more)" if len(details) > 1 else ""
    where = f"{field}: " if field else ""
    text = _IN_WORDS.get(first["type"]) or first["msg"].removeprefix("Value error, ")
    return InvalidMessage(
        f"{about} is not valid: {where}{text}{others}.",
        field=field,
        remedy=f"Correct it; `postroom schema {about}` shows what fits." if about.isupper() else "",
    )


def wire_path(detail: ErrorDetails, about: str) -> str:
    """The dotted path of one pydantic error, without the tags pydantic puts in it.

    Args:
        detail: One entry of `ValidationError.errors()`.
        about: The union's tag, which pydantic puts in front of the path.

    Returns:
        For example `data.changes.sets` or `data.entityIds.0`; empty for the whole value.
    """
    location = untagged(detail["loc"], about)
    return ".".join(str(part) for part in _without_union_branch(location))


def untagged(location: Sequence[int | str], tag: str) -> Sequence[int | str]:
    """A pydantic location without the union's tag in front of it."""
    return location[1:] if location and location[0] == tag else location


_SCALAR_TAGS = frozenset({"str", "int", "float", "bool", "none"})


def _without_union_branch(location: Sequence[int | str]) -> Sequence[int | str]:
    # For a union such as str | int pydantic reports every branch, each under its type's name.
    if len(location) > 1 and location[-1] in _SCALAR_TAGS:
        return location[:-1]
    return location

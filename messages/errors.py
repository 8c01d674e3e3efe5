"""What can be wrong with a message, said so that a person can mend it.

Every error of Postroom has the same four parts; `workers` builds its own errors on `PostroomError`.
"""

from collections.abc import Sequence
from typing import ClassVar, get_args

from pydantic import BaseModel, JsonValue
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


class InvalidMessageType(PostroomError, TypeError):
    """A message class cannot be told apart on the wire: a programming error, raised at import."""

    code = "invalid_message_type"


class DuplicateMessageType(PostroomError, TypeError):
    """Two classes claim the same wire name: a programming error, raised at import."""

    code = "duplicate_message_type"
    remedy_text = "Give one of them another name."


_IN_WORDS = {"string_pattern_mismatch": "The text does not have the form that this field needs"}
"""Where pydantic's own sentence shows a regular expression."""


def invalid(
    details: Sequence[ErrorDetails],
    *,
    about: str,
    inside: str = "",
    model: type[BaseModel] | None = None,
) -> InvalidMessage:
    """Turn pydantic's report into the one error a caller sees.

    Args:
        details: The report; its first entry decides the field.
        about: The message type or class name the data was meant for.
        inside: The wire path that the report's own paths start from, such as `data`.
        model: The class whose constructor was called; its report has Python names.

    Returns:
        An error that names the first wrong field and says how many others there are.
    """
    first = details[0]
    path = _without_union_branch(untagged(first["loc"], about), first["type"])
    names = [str(part) for part in (_on_the_wire(path, model) if model else path)]
    field = ".".join(([inside] if inside else []) + _shortened(names)) or None
    same = sum(_without_union_branch(untagged(d["loc"], about), d["type"]) == path for d in details)
    others = f" ({len(details) - same} more)" if len(details) > same else ""
    where = f"{field}: " if field else ""
    text = _IN_WORDS.get(first["type"]) or first["msg"].removeprefix("Value error, ")
    if same > 1:  # pydantic reports every branch of a union of scalars
        text = "Input should be text, a finite number, true or false"
    return InvalidMessage(
        f"{about} is not valid: {where}{text}{others}.",
        field=field,
        remedy=f"Correct it; `postroom schema {about}` shows what fits." if about.isupper() else "",
    )


def untagged(location: Sequence[int | str], tag: str) -> Sequence[int | str]:
    """A pydantic location without the union's tag in front of it."""
    return location[1:] if location and location[0] == tag else location


_LONGEST_PATH = 8

_BRANCHES = {"str": "string_", "int": "int_", "float": "f", "bool": "bool_"}
"""What pydantic puts behind the path of a scalar union, and how the error's type then begins."""


def _without_union_branch(location: Sequence[int | str], kind: str) -> Sequence[int | str]:
    begin = _BRANCHES.get(str(location[-1])) if len(location) > 1 else None
    return location[:-1] if begin and kind.startswith(begin) else location


def _on_the_wire(location: Sequence[int | str], model: type[BaseModel]) -> Sequence[int | str]:
    """A location in wire names, as far as it leads through fields of models."""
    if not location:
        return location
    field = model.model_fields.get(str(location[0]))
    if field is None:
        return location
    inner = field.annotation
    rest = location[1:]
    if isinstance(inner, type) and issubclass(inner, BaseModel):
        rest = _on_the_wire(rest, inner)
    elif _is_open(inner):
        rest = rest[::2]  # behind each key pydantic names the kind of JSON value
    return (field.alias or str(location[0]), *rest)


def _is_open(annotation: object) -> bool:
    return annotation is JsonValue or any(_is_open(part) for part in get_args(annotation))


def _shortened(names: list[str]) -> list[str]:
    return names if len(names) <= _LONGEST_PATH else [*names[:_LONGEST_PATH], "..."]

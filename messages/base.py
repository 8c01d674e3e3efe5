"""The envelope that every message shares, and the base of its data.

Both are frozen and refuse unknown fields: a wrong message fails where it is written.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self, get_args, get_origin

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
)
from pydantic._internal._model_construction import (
    ModelMetaclass,
)  # the metaclass has no public name
from pydantic.alias_generators import to_camel
from typing_extensions import override
from uuid_utils import uuid7

from messages.errors import DuplicateMessageType, InvalidMessage, InvalidMessageType, invalid
from messages.fields import JsonObject
from messages.limits import check_limits, not_unicode


class _OneError(ModelMetaclass):
    """Lets a constructor raise `InvalidMessage` instead of pydantic's own error.

    Only calls of the class pass here; parsing does not, and pays nothing for it.
    """

    if not TYPE_CHECKING:

        def __call__(cls, /, *args: Any, **kwargs: Any) -> Any:  # noqa: N805 - of a metaclass
            try:
                return super().__call__(*args, **kwargs)
            except ValidationError as error:
                details = error.errors(include_url=False, include_input=False)
                raise invalid(details, about=cls.__name__, inside=cls._path, model=cls) from error


def _is_none(value: object) -> bool:
    return value is None


class _Wire(BaseModel, metaclass=_OneError):
    """snake_case in Python, camelCase on the wire, strict and immutable."""

    model_config = ConfigDict(
        frozen=True,
        strict=True,
        extra="forbid",
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
        allow_inf_nan=False,
        hide_input_in_errors=True,  # tracebacks and logs must not show a payload
    )

    _path: ClassVar[str] = ""  # where a message holds it, for errors of its constructor

    @classmethod
    @override
    def __pydantic_init_subclass__(cls, **_: Any) -> None:
        # None is left out where it is the default, and only there: else it would come back as
        # the default on the other side.
        optional = [field for field in cls.model_fields.values() if field.default is None]
        for field in optional:
            field.exclude_if = _is_none
        if optional:
            cls.model_rebuild(force=True)


class Payload(_Wire):
    """The data of one message type. Subclass it with typed fields; new fields need defaults."""

    _path: ClassVar[str] = "data"


_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


def _from_rfc_3339(value: object, info: ValidationInfo) -> object:
    # pydantic would also take the seconds since 1970, as text, and a date without a time.
    if info.mode != "json":
        return value
    if not isinstance(value, str) or not _RFC_3339.fullmatch(value):
        message = "is not a date and time such as 2026-01-15T12:00:00Z"
        raise ValueError(message)
    return datetime.fromisoformat(value.upper())


def _in_utc(value: datetime) -> datetime:
    if value.tzinfo is UTC:
        return value
    try:
        return value.astimezone(UTC)
    except OverflowError as error:
        message = "is outside the years 1 to 9999"
        raise ValueError(message) from error


Timestamp = Annotated[AwareDatetime, BeforeValidator(_from_rfc_3339), AfterValidator(_in_utc)]


def _now() -> datetime:
    return datetime.now(UTC)


def _new_id() -> str:
    return str(uuid7())


class Message(_Wire):
    """The envelope. Subclass it directly, with a `message_type` Literal and a `data` field.

    What a producer must know stands on the class; what the execution must know (retries,
    middleware) stands on the handler.
    """

    queue: ClassVar[str] = "default"
    timeout_seconds: ClassVar[int | None] = None
    """Seconds one attempt may take; None means the setting JOB_TIMEOUT."""
    version: ClassVar[int] = 1
    """The schema version this class writes, and the newest it reads."""
    stream: ClassVar[str | None] = None
    """The stream it is published to; None means as the setting STREAM_TEMPLATE says."""
    job_types: ClassVar[tuple[str, ...]] = ()
    """What entries of streams call it in `job_type`; none means its wire name in lower case."""
    examples: ClassVar[tuple[dict[str, Any], ...]] = ()
    """Data objects in wire form that are valid; the demo, the docs and the tests use them."""

    message_id: str = Field(default_factory=_new_id, pattern=r"^[A-Za-z0-9_\-]{1,128}$")
    message_type: str
    timestamp: Timestamp = Field(default_factory=_now)
    schema_version: int = Field(default=1, ge=1)
    user_id: str | None = None
    metadata: JsonObject | None = None
    correlation_id: str | None = None
    causation_id: str | None = None
    traceparent: str | None = None
    data: Payload

    @classmethod
    @override
    def __pydantic_init_subclass__(cls, **_: Any) -> None:
        """Refuse a second class with the same names; fill in what the class body implies."""
        super().__pydantic_init_subclass__()
        names = _wire_names(cls)
        for name in names:
            other = _types.get(name)
            if other is not None:
                _refuse_second(cls, other, "message_type", name)
        if names:
            _set_defaults(cls, names[0])
            for other in _types.values():
                for job_type in {*cls.job_types} & {*other.job_types}:
                    _refuse_second(cls, other, "the job type", job_type)
        # Also when a module is loaded again: the newest class counts.
        _declare(dict.fromkeys(names, cls))

    @property
    def tenant(self) -> str | None:
        """Whom the message belongs to: `metadata["tenant"]`, unless a subclass knows better."""
        tenant = (self.metadata or {}).get("tenant")
        return tenant if isinstance(tenant, str) else None

    def to_json(self) -> bytes:
        """The message as it travels.

        Returns:
            UTF-8 JSON, camelCase, without the optional fields that are None.

        Raises:
            InvalidMessage: If it is too large or too deep, holds text that UTF-8 cannot carry, or
                names another schema version than its class.
        """
        if self.schema_version != self.version:
            raise InvalidMessage(
                f"{self.message_type} says version {self.schema_version}; its class writes "
                f"version {self.version}.",
                field="schemaVersion",
                remedy="Leave schema_version out.",
            )
        try:
            text = self.__pydantic_serializer__.to_json(self)  # model_dump_json, as bytes at once
        except ValueError as error:
            raise _unwritable(self, error) from error
        check_limits(text)
        return text

    def caused_by(self, cause: "Message") -> Self:
        """A copy that says which message led to it.

        Args:
            cause: The message whose handler sends this one.

        Returns:
            The copy, with `causationId` and the conversation's `correlationId` set; fields that
            the caller set already are kept.
        """
        return self.model_copy(
            update={
                "causation_id": self.causation_id or cause.message_id,
                "correlation_id": self.correlation_id or cause.correlation_id or cause.message_id,
                "traceparent": self.traceparent or cause.traceparent,
            }
        )


def _unwritable(message: Message, error: ValueError) -> InvalidMessage:
    whole = message.model_dump(by_alias=True)
    return InvalidMessage(
        f"{message.message_type} cannot be written as JSON: {error}.",
        field=not_unicode(whole),
        remedy="Remove the characters that are not valid Unicode text.",
    )


_types: Mapping[str, type[Message]] = {}  # filled by declaring classes, and by nothing else


def registered_types() -> Mapping[str, type[Message]]:
    """Wire name to class, for every message class that is declared.

    It is never changed: when a class is declared, another mapping takes its place.
    """
    return _types


def _declare(more: Mapping[str, type[Message]]) -> None:
    global _types  # noqa: PLW0603 - see `registered_types`
    _types = {**_types, **more}


def _refuse_second(cls: type[Message], other: type[Message], what: str, name: str) -> None:
    if _qualified(other) != _qualified(cls):
        raise DuplicateMessageType(
            f"{_qualified(cls)} and {_qualified(other)} both declare {what} {name!r}."
        )


def _wire_names(cls: type[Message]) -> tuple[str, ...]:
    """The values of `messageType` that a class stands for; none while it is abstract."""
    kind = cls.model_fields["message_type"]
    if get_origin(kind.annotation) is Literal:
        return get_args(kind.annotation)
    if isinstance(kind.default, str):
        raise InvalidMessageType(
            f"{_qualified(cls)} declares message_type as text, so no reader could choose it.",
            remedy=f'Write message_type: Literal["{kind.default}"] = "{kind.default}".',
        )
    return ()


def _set_defaults(cls: type[Message], name: str) -> None:
    fields = cls.model_fields
    if not isinstance(fields["message_type"].default, str):
        fields["message_type"].default = name
    fields["schema_version"].default = cls.version
    cls.job_types = cls.job_types or (name.lower(),)
    cls.model_rebuild(force=True)


def _qualified(cls: type) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"

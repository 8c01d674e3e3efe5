"""The envelope that every message shares, and the base of its data.

Both are frozen and refuse unknown fields: a wrong message fails where it is written.
"""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self, get_args, get_origin

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError
from pydantic._internal._model_construction import (
    ModelMetaclass,
)  # the metaclass has no public name
from pydantic.alias_generators import to_camel
from typing_extensions import override
from uuid_utils import uuid7

from messages.errors import DuplicateMessageType, InvalidMessage, invalid
from messages.fields import JsonObject

MAX_BYTES = 256_000
"""Largest message on the wire, in bytes of JSON (design: limits)."""

MASK = "***"


class _OneError(ModelMetaclass):
    """Lets a constructor raise `InvalidMessage` instead of pydantic's own error.

    Only calls of the class pass here; parsing does not, and pays nothing for it.
    """

    if not TYPE_CHECKING:

        def __call__(cls, *args: Any, **kwargs: Any) -> Any:  # noqa: N805 - of a metaclass
            try:
                return super().__call__(*args, **kwargs)
            except ValidationError as error:
                raise invalid(error, about=cls.__name__, inside=cls._path) from error


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
    )

    _path: ClassVar[str] = ""


class Payload(_Wire):
    """The data of one message type. Subclass it with typed fields; new fields need defaults."""

    _path: ClassVar[str] = "data"


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
    examples: ClassVar[tuple[dict[str, Any], ...]] = ()
    """Data objects in wire form that are valid; the demo, the docs and the tests use them."""

    message_id: str = Field(default_factory=_new_id, min_length=1, max_length=128)
    message_type: str
    timestamp: AwareDatetime = Field(default_factory=_now)
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
        """Refuse a second class with the same wire name; fill in what the class body implies."""
        _set_defaults(cls)
        for other in Message.__subclasses__():
            if other is not cls and wire_name(other) == wire_name(cls) and _differ(other, cls):
                raise DuplicateMessageType(
                    f"{_qualified(cls)} and {_qualified(other)} both declare "
                    f"message_type {wire_name(cls)!r}."
                )

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
            InvalidMessage: If it is larger than `MAX_BYTES` or holds text that UTF-8 cannot carry.
        """
        try:
            text = self.model_dump_json(exclude_none=True).encode()
        except ValueError as error:  # a lone surrogate
            raise InvalidMessage(
                f"{self.message_type} cannot be written as JSON: {error}.",
                field="data",
                remedy="Remove the characters that are not valid Unicode text.",
            ) from error
        check_size(text)
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


def check_size(data: bytes) -> None:
    """Refuse a message that is too large, before it is parsed or written.

    Args:
        data: The JSON.

    Raises:
        InvalidMessage: If it has more than `MAX_BYTES` bytes.
    """
    if len(data) > MAX_BYTES:
        raise InvalidMessage(
            f"The message has {len(data):,} bytes; at most {MAX_BYTES:,} are allowed.",
            remedy="Store the large part elsewhere and send its id.",
            code="too_large",
        )


def wire_name(cls: type[Message]) -> str | None:
    """The `messageType` a class declares, or None while it is abstract."""
    default = cls.model_fields["message_type"].default
    return default if isinstance(default, str) else None


def _set_defaults(cls: type[Message]) -> None:
    kind = cls.model_fields["message_type"]
    implied: dict[str, Any] = {"schema_version": cls.version}
    if get_origin(kind.annotation) is Literal:
        implied["message_type"] = get_args(kind.annotation)[0]
    changed = {
        name: value for name, value in implied.items() if cls.model_fields[name].default != value
    }
    for name, value in changed.items():
        cls.model_fields[name].default = value
    if changed:
        cls.model_rebuild(force=True)


def _differ(one: type, other: type) -> bool:
    # A module that is loaded again (a reload, a second import path) declares the same class anew.
    return _qualified(one) != _qualified(other)


def _qualified(cls: type) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"

"""Hides what is marked `Secret`: in a message that a person is about to see, and by its values."""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from typing_extensions import TypeAliasType

from messages.base import Message, registered_types
from messages.fields import Secret

MASK = "***"
"""What stands where a secret was."""

SECRET_NAME = re.compile(
    r"(?:password|passwd|secret|token|api[_-]?key|private[_-]?key|authorization|cookie"
    r"|credentials?)$",
    re.IGNORECASE,
)
"""How the name of a field ends that holds a secret, whoever declared it."""

Replace = Callable[[Any], Any]
"""Gives what is to stand in the place of a secret value."""


def masked(message: Any) -> Any:
    """A message as a person may see it.

    Args:
        message: A `Message`, or an envelope as it is stored, which need not be valid. Something
            that is no JSON object, such as the text of a record that could not be read, holds no
            fields and is returned as it is.

    Returns:
        A copy in wire form. The fields marked `Secret` are `***`, also those of models within
        models; of a type that is not known here, all fields that are named like a secret.
    """
    return _without_secrets(message, lambda _: MASK)


def masked_examples(cls: type[Message]) -> list[dict[str, Any]]:
    """The examples of a message type as a person may see them: what is marked `Secret` is `***`.

    Args:
        cls: The class.
    """
    return [_fields({"data": each}, cls, lambda _: MASK)["data"] for each in cls.examples]


def secrets_of(message: Any) -> frozenset[str]:
    """The secret texts of a message, to be hidden wherever else they may turn up.

    Args:
        message: A `Message`, or an envelope as it is stored; as `masked` takes it.

    Returns:
        What `masked` hides, as text without blanks around it, which a key in lines may lose; of
        objects and lists, the values within. An empty value is no secret, and neither is one that
        is a part of the mask.
    """
    found: set[str] = set()
    if isinstance(message, Message):
        kind, concerned = type(message), {name for name, _ in _concerned(type(message))}
        if concerned:  # of most types there are none
            values = message.model_dump(mode="json", by_alias=True, include=concerned)
            _fields(values, kind, lambda value: found.update(_texts(value)))
    else:
        _without_secrets(message, lambda value: found.update(_texts(value)))
    return frozenset(found)


def holds_secrets(model: type[BaseModel]) -> bool:
    """Whether any field of a class is marked `Secret`, also within other models.

    Args:
        model: A message's class, or a part of one.
    """
    return bool(_concerned(model))


def masked_by_name(value: Any) -> Any:
    """A copy of JSON data in which fields that are named like a secret are `***`.

    Args:
        value: Any JSON data.
    """
    return _by_name(value, lambda _: MASK)


def _without_secrets(message: Any, replace: Replace) -> Any:
    if isinstance(message, Message):
        return _fields(message.model_dump(mode="json", by_alias=True), type(message), replace)
    if not isinstance(message, Mapping):
        return message
    kind = message.get("messageType")
    cls = registered_types().get(kind) if isinstance(kind, str) else None
    return _by_name(message, replace) if cls is None else _fields(message, cls, replace)


def _fields(value: Mapping[str, Any], model: type[BaseModel], replace: Replace) -> dict[str, Any]:
    found = dict(value)
    for name, field in _concerned(model):
        for key in {name, field.alias or name} & found.keys():
            is_secret = Secret in field.metadata and found[key] is not None
            found[key] = (
                replace(found[key]) if is_secret else _part(found[key], field.annotation, replace)
            )
    return found


def _part(value: Any, annotation: Any, replace: Replace) -> Any:
    """A value without the secrets that its declared type says are in it."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if isinstance(annotation, TypeAliasType):
        return _part(value, annotation.__value__, replace)
    if origin is Annotated:
        return replace(value) if Secret in inner[1:] else _part(value, inner[0], replace)
    if origin in {Union, UnionType}:
        for arm in inner:
            value = _part(value, arm, replace)
        return value
    if isinstance(value, Mapping):
        return _object(value, annotation, inner, replace)
    if isinstance(value, list | tuple) and inner:
        return [_part(each, inner[0], replace) for each in value]
    return value


def _object(
    value: Mapping[str, Any], annotation: Any, inner: tuple[Any, ...], replace: Replace
) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return _fields(value, annotation, replace)
    if len(inner) == len(("key", "value")):
        return {name: _part(part, inner[1], replace) for name, part in value.items()}
    return value


@lru_cache(maxsize=1_024)
def _concerned(model: type[BaseModel]) -> tuple[tuple[str, FieldInfo], ...]:
    """The fields that are secret, or that have secret parts."""
    return tuple(
        (name, field)
        for name, field in model.model_fields.items()
        if Secret in field.metadata or _declares(field.annotation, set())
    )


def _declares(annotation: Any, seen: set[int]) -> bool:
    if annotation is Secret:
        return True
    if id(annotation) in seen:  # a model may contain itself
        return False
    seen.add(id(annotation))
    if isinstance(annotation, TypeAliasType):
        return _declares(annotation.__value__, seen)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        fields = annotation.model_fields.values()
        return any(Secret in f.metadata or _declares(f.annotation, seen) for f in fields)
    return any(_declares(part, seen) for part in get_args(annotation))


def _by_name(value: Any, replace: Replace, name: str = "") -> Any:
    if value is not None and SECRET_NAME.search(name):
        return replace(value)
    if isinstance(value, Mapping):
        return {key: _by_name(part, replace, str(key)) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_by_name(part, replace) for part in value]
    return value


def _texts(value: Any) -> set[str]:
    if isinstance(value, Mapping):
        return {text for part in value.values() for text in _texts(part)}
    if isinstance(value, list | tuple):
        return {text for part in value for text in _texts(part)}
    text = "" if value is None or isinstance(value, bool) else str(value).strip()
    return set() if text in MASK else {text}  # an empty text is in it, too

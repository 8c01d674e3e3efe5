"""Refuses changes that would write `***` over a secret: what was shown is not what was meant."""

from collections.abc import Iterator, Mapping
from typing import Any

from messages.errors import InvalidMessage
from messages.masking import MASK, masked

_OTHERWISE = "\N{BULLET}"  # any text that is not the mask


def refuse_masks(envelope: Mapping[str, Any], data: Any) -> None:
    """Refuse data in which a mask stands where a secret belongs.

    Args:
        envelope: The message as it is stored; its type says which fields are secret.
        data: What its data shall be.

    Raises:
        InvalidMessage: If a secret would become `***`.
    """
    places = list(_masks(data, ("data",)))
    if not places:
        return
    # What is hidden whatever stands there is a secret; anywhere else `***` is a text like others.
    shown = masked({**envelope, "data": _replaced(data)})["data"]
    for path in places:
        was_it_before = _at(envelope.get("data"), path[1:]) == MASK
        if _at(shown, path[1:]) == MASK and not was_it_before:
            field = ".".join(path)
            raise InvalidMessage(
                f"{field} would become {MASK}, which only stands for its secret.",
                field=field,
                remedy="Leave it out, so that it stays as it is, or write the secret itself.",
            )


def _masks(value: Any, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    if value == MASK:
        yield path
    for name, part in _parts(value):
        yield from _masks(part, (*path, name))


def _replaced(value: Any) -> Any:
    if value == MASK:
        return _OTHERWISE
    if isinstance(value, Mapping):
        return {name: _replaced(part) for name, part in value.items()}
    return [_replaced(part) for part in value] if isinstance(value, list) else value


def _at(value: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        parts = dict(_parts(value))
        if name not in parts:
            return value  # all of it is hidden
        value = parts[name]
    return value


def _parts(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        yield from ((str(name), part) for name, part in value.items())
    elif isinstance(value, list):
        yield from ((str(index), part) for index, part in enumerate(value))

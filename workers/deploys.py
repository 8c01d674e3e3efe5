"""Marks of deployments, which charts show: when a release came, and who says so.

Workers note by themselves when a release is first seen (`published`); a mark says more, and says it
also of a release that comes back.
"""

from typing import Any

import redis

from workers import keys
from workers.errors import InvalidOption
from workers.release import release_name
from workers.scripts import script

KEPT = 500
"""Marks; older ones are removed."""

_LONGEST = {"version": 100, "note": 500, "actor": 200}  # characters


def mark(version: str, *, note: str = "", actor: str = "", connection: redis.Redis) -> int:
    """Mark that a release is being deployed, also if it was before.

    Args:
        version: Such as a commit or a tag; 1 to 100 characters.
        note: What is new, in the words of who deploys; up to 500 characters.
        actor: Who does it; up to 200 characters.
        connection: Where.

    Returns:
        The time of the mark, in Unix milliseconds by Redis' clock.

    Raises:
        InvalidOption: If a text is too long, or the version is empty.
    """
    for name, text in (("version", version), ("note", note), ("actor", actor)):
        _check(name, text)
    marking = connection.register_script(script("workers", "mark_deploy"))
    texts = [release_name(version), note.strip(), actor.strip()]
    at: Any = marking(keys=[keys.deploys()], args=[*texts, KEPT])
    return int(at)


def _check(name: str, text: str) -> None:
    if len(text.strip()) > _LONGEST[name] or (name == "version" and not text.strip()):
        least = 1 if name == "version" else 0
        raise InvalidOption(
            f"The {name} has {len(text.strip())} characters.",
            field=name,
            remedy=f"Use {least} to {_LONGEST[name]}.",
        )

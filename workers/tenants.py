"""Whose a message is, as records and keys say it."""

from typing import Any

from messages import PostroomError, parse_message
from workers.indexing import indexed_value

FIELD = "tenant"
"""The field of a job's record that says whose it is; it is not there if it is nobody's."""


def tenant_mark(tenant: str | None) -> str:
    """A tenant as keys and records name it, so that none of them grows with its name.

    Args:
        tenant: As a message or a token names it; None or empty if there is none.

    Returns:
        The name; of one with more than 100 characters or a line break its digest, as
        `indexed_value` writes it. Empty if there is none.
    """
    return indexed_value(tenant) or ""


def mark_of(envelope: Any) -> str:
    """Whose an envelope is, as `tenant_mark` writes it.

    Args:
        envelope: As an object, or whatever a record holds.

    Returns:
        The mark of what its type says, by `metadata["tenant"]` unless it knows better. Empty if
        nobody knows, as of a message that cannot be read.
    """
    try:
        return tenant_mark(parse_message(envelope).tenant) if isinstance(envelope, dict) else ""
    except PostroomError:
        return ""

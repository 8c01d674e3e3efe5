"""A page of the groups of failures."""

from typing import Literal, get_args

import redis

from monitoring.errors import InvalidQuery
from monitoring.failures.groups import JsonDict, Stored, lines, read_groups, shown, state_of
from workers.connection import default_connection, storage_errors
from workers.failure_groups import GroupState

Sorting = Literal["last", "first", "count"]

MOST_GROUPS = 200
"""Groups of one page at most."""


def get_failure_groups(  # noqa: PLR0913 - what a page is asked for
    *,
    state: GroupState | None = None,
    queue: str | None = None,
    message_type: str | None = None,
    sort: Sorting = "last",
    limit: int = 50,
    cursor: str | None = None,
    connection: redis.Redis | None = None,
) -> JsonDict:
    """A page of the groups of failures.

    Args:
        state: Only `open` (with those that were reopened), `reopened`, `muted` or `fixed`.
        queue: Only those that failed in this queue, or in this family of streams.
        message_type: Only of this wire name.
        sort: The newest `last` or `first` failure, or the highest `count`, first.
        limit: How many, 1 to 200.
        cursor: That of the page before; None begins.
        connection: Where; None means the server that the settings name.

    Returns:
        `groups`, each with `fingerprint`, `messageType`, `errorType`, `message` (without numbers,
        ids and quoted values), `place` (the innermost function of the application, or None),
        `count`, `firstSeen`, `lastSeen`, `queues` and `releases` (the newest 20, newest first),
        `state`, `fixedIn`, `reopenedAt` and `reopenedIn` (None if it does not apply), and `by`: who
        changed its state last, with `actor`, `reason` and `at`, or None. Times are ISO 8601.
        `cursor`, where the next page begins; None if there is none.
        It takes up to 3 round trips.

    Raises:
        InvalidQuery: If a parameter is out of range.
        StorageUnavailable: If Redis does not answer.
    """
    _check(state, sort, limit)
    begin = _place(cursor) if cursor else None
    with storage_errors():
        found = read_groups(connection=connection or default_connection())
    wanted = [
        (int(group[sort]), name, group)
        for name, group in found
        if _fits(group, state, queue, message_type)
    ]
    ordered = sorted(wanted, key=lambda each: each[:2], reverse=True)
    rest = [each for each in ordered if begin is None or each[:2] < begin]
    page = rest[:limit]
    return {
        "groups": [shown(name, group) for _, name, group in page],
        "cursor": f"{page[-1][0]}/{page[-1][1]}" if len(rest) > limit else None,
    }


def _check(state: str | None, sort: str, limit: int) -> None:
    for name, value, known in (
        ("state", state or "open", get_args(GroupState)),
        ("sort", sort, get_args(Sorting)),
    ):
        if value not in known:
            raise InvalidQuery(
                f"There is no {name} {value!r}.", field=name, remedy=f"Use {', '.join(known)}."
            )
    if not 1 <= limit <= MOST_GROUPS:
        raise InvalidQuery(
            f"limit is {limit}.", field="limit", remedy=f"Use an integer from 1 to {MOST_GROUPS}."
        )


def _place(cursor: str) -> tuple[int, str]:
    value, _, name = cursor.partition("/")
    try:
        return int(value), name
    except ValueError as error:
        raise InvalidQuery(
            f"{cursor!r} is no cursor.",
            field="cursor",
            remedy="Use the cursor of the page before, as it is.",
        ) from error


def _fits(group: Stored, state: str | None, queue: str | None, message_type: str | None) -> bool:
    its = state_of(group)
    return (
        (state is None or its == state or (its, state) == ("reopened", "open"))
        and (queue is None or queue in lines(group, "queues"))
        and message_type in {None, group["type"]}
    )

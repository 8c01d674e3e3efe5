"""Which dead letters are meant: filters, pages that stay whole while letters come and go, plans."""

import hashlib
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import redis

from workers import keys
from workers.dead_letters.letter import Summary, letter_of, summary, summary_of
from workers.errors import InvalidOption
from workers.options import aware
from workers.routing import queue_of
from workers.scripts import script
from workers.tenant_keys import dead_letters_of
from workers.tenants import tenant_mark

PLAN_SECONDS = 15 * 60
"""Seconds that a dry run's letters are remembered for the run after it."""

_PLANNED = ""  # what each plan begins with, so that one without letters is a plan too
_STEP = 1_000  # letters read at a time where a filter looks at each
_MOST_STEPS = 10  # in one page, so that a filter that fits nothing ends soon
_LARGEST_PAGE = 1_000


@dataclass(frozen=True)
class Filter:
    """What letters must be like; what is None does not matter.

    Args:
        message_type: Their type's wire name.
        queue: Their queue, or one list of it, such as `email:high`.
        reason: Why they died; see `DeadLetter`.
        text: A part of the error; upper and lower case are the same.
        since: Buried then or later.
        until: Buried then or earlier.
        fingerprint: Dead of this kind of failure.
        tenant: Whose messages they are. Only that tenant's list is read, so that nothing of others
            shows in what a page takes or has.
    """

    message_type: str | None = None
    queue: str | None = None
    reason: str | None = None
    text: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    fingerprint: str | None = None
    tenant: str | None = None

    def __post_init__(self) -> None:
        for moment in (self.since, self.until):
            if moment is not None:
                aware(moment)

    def fits(self, letter: Summary) -> bool:
        """Whether a letter is meant, its time aside."""
        return (
            self.message_type in {None, letter.message_type}
            and self.queue in {None, letter.queue, queue_of(letter.queue)}
            and self.reason in {None, letter.reason}
            and self.fingerprint in {None, letter.fingerprint}
            and (self.tenant is None or tenant_mark(self.tenant) == letter.tenant != "")
            and (self.text or "").casefold() in letter.error.casefold()
        )

    @property
    def key(self) -> str:
        """The sorted set in which the letters stand."""
        if self.tenant is None:
            return keys.dead_letters()
        return dead_letters_of(tenant_mark(self.tenant))

    def looks_at_each(self) -> bool:
        """Whether letters must be read before it is known which fit."""
        return any((self.message_type, self.queue, self.reason, self.text, self.fingerprint))

    def described(self) -> dict[str, str]:
        """What was asked for, as JSON and the audit log have it."""
        return {name: str(value) for name, value in asdict(self).items() if value is not None}


@dataclass(frozen=True)
class Page:
    """Some letters, newest first.

    Args:
        letters: At most as many as were asked for; fewer only if `cursor` is None, or if a filter
            looked at 10,000 letters in vain.
        cursor: Where the next page begins; None if there is none.
    """

    letters: Sequence[Summary]
    cursor: str | None


@dataclass(frozen=True)
class _Place:
    """Letters behind it are older, or of the same time and of a smaller id."""

    time: float
    job_id: bytes = b""

    def is_before(self, time: float, job_id: bytes) -> bool:
        return not self.job_id or (time, job_id) < (self.time, self.job_id)


@dataclass(frozen=True)
class _Found:
    place: _Place
    letter: Summary | None


def page(
    wanted: Filter | None = None,
    *,
    limit: int = 100,
    cursor: str | None = None,
    connection: redis.Redis,
) -> Page:
    """A part of the list. Letters that come or go meanwhile neither repeat others nor hide them.

    Args:
        wanted: Which letters; None means all.
        limit: How many at most, 1 to 1,000.
        cursor: That of the page before; None begins with the newest.
        connection: Where; at most three round trips for each 1,000 letters looked at.

    Raises:
        InvalidOption: If the limit or the cursor cannot be used.
    """
    wanted = wanted or Filter()
    if not 1 <= limit <= _LARGEST_PAGE:
        raise InvalidOption(
            f"The limit is {limit}.", field="limit", remedy=f"Use 1 to {_LARGEST_PAGE:,}."
        )
    place, size = _begin(wanted, cursor), _STEP if wanted.looks_at_each() else limit
    fitting: list[Summary] = []
    for _ in range(_MOST_STEPS):
        step = _step(wanted.key, place, size, connection)
        for found in step:
            if wanted.since and found.place.time < wanted.since.timestamp():
                return Page(fitting, None)
            place = found.place
            if found.letter is not None and wanted.fits(found.letter):
                fitting.append(found.letter)
                if len(fitting) == limit:
                    return Page(fitting, _written(place))
        if len(step) == 0:
            return Page(fitting, None)
    return Page(fitting, _written(place))


def matching(wanted: Filter, *, connection: redis.Redis) -> Iterator[Summary]:
    """All letters of a filter, newest first, read in steps.

    Args:
        wanted: Which letters.
        connection: Where.

    Yields:
        Letters that were there when it began, without those that are gone by now.
    """
    cursor = None
    while True:
        found = page(wanted, limit=_LARGEST_PAGE, cursor=cursor, connection=connection)
        yield from found.letters
        cursor = found.cursor
        if cursor is None:
            return


def snapshot(wanted: Filter, *, connection: redis.Redis) -> list[str]:
    """The ids of a filter's letters as of now, oldest first. Later letters are not among them."""
    ids = [letter.job_id for letter in matching(wanted, connection=connection)]
    ids.reverse()
    return ids


def cursor_of(letter: Summary) -> str:
    """The cursor of what follows a letter in the list."""
    time = datetime.fromisoformat(letter.buried_at).timestamp()
    return _written(_Place(time, letter.job_id.encode()))


def remember(action: str, wanted: Filter, ids: Sequence[str], *, connection: redis.Redis) -> None:
    """Keep what a dry run showed for `PLAN_SECONDS`, so that the run after it does just that.

    Args:
        action: What the dry run was of, such as `replay`.
        wanted: Its filter; the run must have the same one.
        ids: The letters, in their order, those that it refused as well.
        connection: Where.
    """
    whole = [_PLANNED, *ids]
    keep = connection.register_script(script("workers", "plan_letters"))
    for begin in range(0, len(whole), _STEP):
        part = whole[begin : begin + _STEP]
        keep(keys=[_plan_key(action, wanted)], args=[int(begin == 0), PLAN_SECONDS, *part])


def remembered(action: str, wanted: Filter, *, connection: redis.Redis) -> list[str] | None:
    """What the dry run before showed; None if there was none, or if it is too long ago."""
    stored: Any = connection.lrange(_plan_key(action, wanted), 0, -1)
    return [job_id.decode() for job_id in stored[1:]] if stored else None


def forget(action: str, wanted: Filter, *, connection: redis.Redis) -> None:
    """Drop what `remember` kept: its run is over."""
    connection.delete(_plan_key(action, wanted))


def _plan_key(action: str, wanted: Filter) -> str:
    text = json.dumps([action, wanted.described()], sort_keys=True)
    return keys.dead_letter_plan(hashlib.sha256(text.encode()).hexdigest()[:32])


def _begin(wanted: Filter, cursor: str | None) -> _Place:
    if cursor is not None:
        return _read(cursor)
    return _Place(wanted.until.timestamp() if wanted.until else math.inf)


def _step(key: str, place: _Place, size: int, connection: redis.Redis) -> Sequence[_Found]:
    read_page = connection.register_script(script("workers", "page_letters"))
    skip = 0
    while True:
        answer: Any = read_page(
            args=[
                *(key, keys.dead_letter_index()),
                *(repr(place.time), place.job_id, skip, size),
            ]
        )
        ids, times, shorts = answer[0][::2], answer[0][1::2], answer[1]
        read = [_Place(float(time), job_id) for job_id, time in zip(ids, times, strict=True)]
        behind = [place.is_before(each.time, each.job_id) for each in read]
        if any(behind) or not read:
            kept = [
                (each, short)
                for each, short, is_behind in zip(read, shorts, behind, strict=True)
                if is_behind
            ]
            return _with_letters(kept, connection)
        skip += len(read)


def _with_letters(
    read: Sequence[tuple[_Place, bytes | None]], connection: redis.Redis
) -> Sequence[_Found]:
    # Letters of an older release have no short form yet.
    bare = [place.job_id for place, short in read if short is None]
    texts: Any = connection.mget([keys.dead_letter(each.decode()) for each in bare]) if bare else []
    whole = {
        job_id: summary(letter_of(text))
        for job_id, text in zip(bare, texts, strict=True)
        if text is not None
    }
    return [
        _Found(place, whole.get(place.job_id) if short is None else summary_of(short))
        for place, short in read
    ]


def _written(place: _Place) -> str:
    return f"{place.time!r}/{place.job_id.decode()}"


def _read(cursor: str) -> _Place:
    time, _, job_id = cursor.partition("/")
    try:
        return _Place(float(time), job_id.encode())
    except ValueError as error:
        raise InvalidOption(
            f"{cursor!r} is not a cursor.",
            field="cursor",
            remedy="Use the cursor of the page before, as it is.",
        ) from error

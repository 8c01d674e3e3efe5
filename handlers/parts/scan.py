"""Indexes messages of a channel by author and by link, in pages, once each."""

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, select, tuple_
from sqlalchemy.orm import Session

from handlers.parts.database import insert_missing
from handlers.parts.guild_tables import AuthoredMessage, GuildMessage, ScanProgress, SharedLink
from messages import JsonObject, MessageScanData
from workers import PermanentError

_PAGE = 500  # messages read at a time
_LINK = re.compile(r"https?://[^\s<>\"']+")
_AROUND = ".,;:!?)]}"  # ends of sentences and brackets, which belong to no link

Tell = Callable[[int], None]


def scan(session: Session, data: MessageScanData, tell: Tell) -> JsonObject:
    """Index what a message asks for.

    Args:
        session: The transaction.
        data: Which messages of which channel.
        tell: Is told how many were scanned so far.

    Returns:
        How many were scanned, the links and authors in them, and which were not found.

    Raises:
        PermanentError: If there is no such channel.
    """
    _check_channel(session, data)
    progress = _progress(session, data)
    scanned, links, authors, seen = 0, 0, set[str](), set[str]()
    for page in _pages(session, data, progress):
        for message in page:
            links += _index(session, message)
            authors.add(message.author_id)
            seen.add(message.id)
        scanned += len(page)
        tell(scanned)
        if not data.message_ids:
            _move(progress, page)
    progress.updated_at = datetime.now(UTC)
    missing = [each for each in data.message_ids if each not in seen]
    return {"scanned": scanned, "links": links, "authors": len(authors), "missing": [*missing]}


def links_in(text: str) -> Sequence[str]:
    """The links in a text, each once, in their order.

    Args:
        text: As somebody wrote it.
    """
    return list(dict.fromkeys(found.rstrip(_AROUND) for found in _LINK.findall(text)))


def _check_channel(session: Session, data: MessageScanData) -> None:
    here = select(GuildMessage.id).where(*_in_channel(data)).limit(1)
    if session.scalar(here) is None:
        raise PermanentError(f"There is no channel {data.channel_id!r} in guild {data.guild_id!r}.")


def _progress(session: Session, data: MessageScanData) -> ScanProgress:
    """The row of the channel, locked until the transaction ends, where the database can."""
    key = {"guild_id": data.guild_id, "channel_id": data.channel_id}
    row = {**key, "scanned": 0, "updated_at": datetime.now(UTC)}
    session.execute(insert_missing(session, ScanProgress).values(row))
    chosen = select(ScanProgress).filter_by(**key).with_for_update()
    return session.scalars(chosen).one()


def _pages(
    session: Session, data: MessageScanData, progress: ScanProgress
) -> Iterator[Sequence[GuildMessage]]:
    if data.message_ids:
        for first in range(0, len(data.message_ids), _PAGE):
            part = data.message_ids[first : first + _PAGE]
            chosen = select(GuildMessage).where(*_in_channel(data), GuildMessage.id.in_(part))
            yield session.scalars(chosen).all()
        return
    order = (GuildMessage.posted_at, GuildMessage.id)
    while page := session.scalars(
        select(GuildMessage)
        .where(*_in_channel(data), _after(progress))
        .order_by(*order)
        .limit(_PAGE)
    ).all():
        yield page


def _after(progress: ScanProgress) -> ColumnElement[bool]:
    if progress.last_posted_at is None:
        return GuildMessage.id.is_not(None)
    place = tuple_(GuildMessage.posted_at, GuildMessage.id)
    return place > (progress.last_posted_at, progress.last_message_id)


def _in_channel(data: MessageScanData) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return (
        GuildMessage.guild_id == data.guild_id,
        GuildMessage.channel_id == data.channel_id,
    )


def _index(session: Session, message: GuildMessage) -> int:
    where = {"message_id": message.id, "guild_id": message.guild_id}
    author = {"author_id": message.author_id, **where}
    session.execute(insert_missing(session, AuthoredMessage).values(author))
    links = links_in(message.text)
    for url in links:
        session.execute(insert_missing(session, SharedLink).values(url=url, **where))
    return len(links)


def _move(progress: ScanProgress, page: Sequence[GuildMessage]) -> None:
    last = page[-1]
    progress.last_posted_at, progress.last_message_id = last.posted_at, last.id
    progress.scanned += len(page)

"""Indexes messages of a channel by author and by link: page by page, each in its transaction."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from itertools import count

from pydantic import BaseModel, ConfigDict
from sqlalchemy import ColumnElement, func, select, tuple_
from sqlalchemy.orm import Session

from handlers.parts.database import insert_missing
from handlers.parts.guild_tables import AuthoredMessage, GuildMessage, ScanProgress, SharedLink
from handlers.parts.links import links_in
from handlers.parts.once import apply_once
from messages import JsonObject, MessageScanData, MessageScanMessage
from workers import PermanentError

PAGE = 500
"""Messages that are indexed in one transaction, which on SQLite keeps all other writers waiting."""


class Page(BaseModel):
    """What came of one page, or of several."""

    model_config = ConfigDict(frozen=True)

    scanned: int = 0
    links: int = 0
    authors: frozenset[str] = frozenset()
    missing: tuple[str, ...] = ()

    def __add__(self, other: "Page") -> "Page":
        """Both together."""
        return Page(
            scanned=self.scanned + other.scanned,
            links=self.links + other.links,
            authors=self.authors | other.authors,
            missing=self.missing + other.missing,
        )


def messages_to_scan(session: Session, data: MessageScanData) -> int:
    """Count what is to be done.

    Args:
        session: Only read.
        data: Which messages of which channel.

    Returns:
        How many messages were asked for, or are new in the channel.

    Raises:
        PermanentError: If there is no such channel.
    """
    if session.scalar(select(GuildMessage.id).where(*_in_channel(data)).limit(1)) is None:
        raise PermanentError(f"There is no channel {data.channel_id!r} in guild {data.guild_id!r}.")
    if data.message_ids:
        return len(data.message_ids)
    progress = session.get(ScanProgress, (data.guild_id, data.channel_id))
    new = select(func.count()).where(*_in_channel(data), _after(progress))
    return session.scalar(new) or 0


def scan(message: MessageScanMessage) -> Iterator[Page]:
    """Index what a message asks for.

    A page that an earlier run of the message has indexed is not indexed again.

    Args:
        message: Which messages of which channel.

    Yields:
        What came of each page.
    """
    data = message.data
    asked = list(dict.fromkeys(data.message_ids))
    for number in count():
        ids = asked[number * PAGE : (number + 1) * PAGE]
        if asked and not ids:
            return
        change = partial(_index_these, data=data, ids=ids) if ids else partial(_go_on, data=data)
        page = Page.model_validate(apply_once(message, change, step=f"page {number}"))
        yield page
        if not ids and page.scanned < PAGE:
            return


def _index_these(session: Session, *, data: MessageScanData, ids: Sequence[str]) -> JsonObject:
    chosen = select(GuildMessage).where(*_in_channel(data), GuildMessage.id.in_(ids))
    found = session.scalars(chosen).all()
    _locked_progress(session, data).updated_at = datetime.now(UTC)
    known = {message.id for message in found}
    missing = tuple(each for each in ids if each not in known)
    return _index(session, found, missing)


def _go_on(session: Session, *, data: MessageScanData) -> JsonObject:
    progress = _locked_progress(session, data)
    order = (GuildMessage.posted_at, GuildMessage.id)
    new = select(GuildMessage).where(*_in_channel(data), _after(progress)).order_by(*order)
    found = session.scalars(new.limit(PAGE)).all()
    progress.updated_at = datetime.now(UTC)
    if found:
        progress.last_posted_at, progress.last_message_id = found[-1].posted_at, found[-1].id
        progress.scanned += len(found)
    return _index(session, found)


def _index(
    session: Session, found: Sequence[GuildMessage], missing: tuple[str, ...] = ()
) -> JsonObject:
    authors = [{"author_id": message.author_id, **_place(message)} for message in found]
    links = [{"url": url, **_place(message)} for message in found for url in links_in(message.text)]
    if authors:
        session.execute(insert_missing(session, AuthoredMessage), authors)
    if links:
        session.execute(insert_missing(session, SharedLink), links)
    who = frozenset(message.author_id for message in found)
    page = Page(scanned=len(found), links=len(links), authors=who, missing=missing)
    return page.model_dump(mode="json")


def _place(message: GuildMessage) -> dict[str, str]:
    return {"message_id": message.id, "guild_id": message.guild_id}


def _locked_progress(session: Session, data: MessageScanData) -> ScanProgress:
    """The row of the channel, locked until the transaction ends, where the database can."""
    key = {"guild_id": data.guild_id, "channel_id": data.channel_id}
    row = {**key, "scanned": 0, "updated_at": datetime.now(UTC)}
    session.execute(insert_missing(session, ScanProgress).values(row))
    chosen = select(ScanProgress).filter_by(**key).with_for_update()
    return session.scalars(chosen).one()


def _after(progress: ScanProgress | None) -> ColumnElement[bool]:
    if progress is None or progress.last_posted_at is None:
        return GuildMessage.id.is_not(None)
    place = tuple_(GuildMessage.posted_at, GuildMessage.id)
    return place > (progress.last_posted_at, progress.last_message_id)


def _in_channel(data: MessageScanData) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return (
        GuildMessage.guild_id == data.guild_id,
        GuildMessage.channel_id == data.channel_id,
    )

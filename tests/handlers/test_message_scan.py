"""What MESSAGE_SCAN indexes of the sample data and of longer channels, and where it goes on."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, insert, select

from handlers.parts.database import database, transaction
from handlers.parts.guild_tables import AuthoredMessage, GuildMessage, ScanProgress, SharedLink
from messages import MessageScanMessage
from tests.handlers.effects import counted
from tests.handlers.processes import Crew, Kill
from workers.testing import Postroom

pytest_plugins = ["workers.testing"]
pytestmark = [pytest.mark.usefixtures("any_database", "sample")]

_BEGIN = datetime(2026, 1, 15, tzinfo=UTC)


def write(*texts: str) -> None:
    """Messages of a channel of their own."""
    rows = [
        {
            "id": f"long-{number}",
            "guild_id": "long",
            "channel_id": "hall",
            "author_id": f"user-{number % 7}",
            "text": text,
            "posted_at": _BEGIN + timedelta(seconds=number // 2),
        }
        for number, text in enumerate(texts)
    ]
    with transaction() as session:
        session.execute(insert(GuildMessage), rows)


def progress_of(guild: str, channel: str) -> tuple[int, str | None]:
    with transaction() as session:
        progress = session.get_one(ScanProgress, (guild, channel))
        return progress.scanned, progress.last_message_id


def test_a_scan_indexes_links_and_authors_of_one_channel(postroom: Postroom) -> None:
    result = postroom.run(MessageScanMessage.of("123", "123-1"))

    assert result == {"scanned": 5, "links": 4, "authors": 3, "missing": []}
    with transaction() as session:
        plan = select(SharedLink.message_id).where(SharedLink.url == "https://example.com/plan")
        assert sorted(session.scalars(plan)) == ["123-1-1", "123-1-3"]
        mine = select(AuthoredMessage.message_id).where(AuthoredMessage.author_id == "user-123")
        assert sorted(session.scalars(mine)) == ["123-1-1", "123-1-4"]


def test_a_scan_goes_on_where_the_last_one_ended(postroom: Postroom) -> None:
    postroom.run(MessageScanMessage.of("123", "123-1"))
    result = postroom.run(MessageScanMessage.of("123", "123-1"))

    assert result["scanned"] == 0
    assert progress_of("123", "123-1") == (5, "123-1-5")


def test_asked_for_some_it_scans_those_and_names_what_is_missing(postroom: Postroom) -> None:
    result = postroom.run(MessageScanMessage.of("456", "456-2", ["456-2-1", "nothing", "123-1-1"]))

    assert (result["scanned"], result["missing"]) == (1, ["nothing", "123-1-1"])


def test_an_id_that_is_asked_for_twice_counts_once(postroom: Postroom) -> None:
    ids = ["123-1-1", "nothing", "123-1-1", "nothing"]
    result = postroom.run(MessageScanMessage.of("123", "123-1", ids))

    assert (result["scanned"], result["missing"]) == (1, ["nothing"])


def test_more_ids_than_one_page_are_scanned_and_missed_in_their_order(postroom: Postroom) -> None:
    write(*["hello"] * 700)
    missing = [f"gone-{number}" for number in range(700)]
    ids = [f"long-{number}" for number in range(700)]
    mixed = [each for pair in zip(ids, missing, strict=True) for each in pair]
    result = postroom.run(MessageScanMessage.of("long", "hall", mixed))

    assert (result["scanned"], result["authors"]) == (700, 7)
    assert result["missing"] == missing


def test_what_a_killed_scan_has_indexed_stays_and_its_message_goes_on_there(
    postroom: Postroom, crew: Crew
) -> None:
    write(*(f"https://example.com/{number}" for number in range(1_200)))
    message = MessageScanMessage.of("long", "hall")

    killed = crew.run(message, kill=Kill("after_commit", 2))
    kept = progress_of("long", "hall")
    result = postroom.run(message)

    assert killed.was_killed
    assert kept == (1_000, "long-999")
    assert result == {"scanned": 1_200, "links": 1_200, "authors": 7, "missing": []}
    assert counted(database(), "scanned") == 1_200


def test_two_scans_of_one_channel_at_the_same_time_share_it(crew: Crew) -> None:
    write(*["hello"] * 1_200)

    ended = crew.run_together([MessageScanMessage.of("long", "hall") for _ in range(2)])

    assert sum(each.result["scanned"] for each in ended) == 1_200
    assert progress_of("long", "hall") == (1_200, "long-1199")
    assert counted(database(), "scanned") == 1_200


def test_a_link_that_no_index_takes_stops_no_scan(postroom: Postroom) -> None:
    write(f"https://example.com/{'x' * 9_000} or https://example.com/short")
    result = postroom.run(MessageScanMessage.of("long", "hall"))

    assert (result["scanned"], result["links"]) == (1, 1)
    with transaction() as session:
        found = select(func.count()).where(SharedLink.guild_id == "long")
        assert session.scalar(found) == 1

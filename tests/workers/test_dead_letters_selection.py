from datetime import UTC, datetime, timedelta

import pytest

from tests.workers.letters import bury_many, letter
from workers import InvalidOption, dead_letters, keys
from workers.dead_letters import Filter


def ids(page):
    return [found.job_id for found in page.letters]


def all_ids(redis, wanted=None, *, limit=100):
    """The ids of all pages, in order."""
    found, cursor = [], None
    while True:
        page = dead_letters.page(wanted, limit=limit, cursor=cursor, connection=redis)
        found += ids(page)
        cursor = page.cursor
        if cursor is None:
            return found


class RoundTrips:
    """Counts what a client sends."""

    def __init__(self, redis, monkeypatch):
        self.count = 0
        for name in ("execute_command",):
            original = getattr(redis, name)

            def counted(*args, _original=original, **options):
                self.count += 1
                return _original(*args, **options)

            monkeypatch.setattr(redis, name, counted)


def test_the_newest_come_first_and_pages_join_without_gap_or_repeat(redis, now):
    bury_many(redis, 25, at=lambda number: now + timedelta(seconds=number))

    found = all_ids(redis, limit=7)

    assert found == [f"job-{number:04}" for number in reversed(range(25))]


def test_letters_of_one_moment_are_paged_like_others(redis, now):
    bury_many(redis, 25, at=lambda _: now)

    assert all_ids(redis, limit=4) == [f"job-{number:04}" for number in reversed(range(25))]


@pytest.mark.parametrize("same_moment", [True, False])
def test_a_page_goes_on_behind_a_letter_that_is_gone(redis, now, same_moment):
    bury_many(redis, 12, at=lambda n: now if same_moment else now + timedelta(seconds=n))
    first = dead_letters.page(limit=5, connection=redis)
    for job_id in ids(first):
        dead_letters.resolve(job_id, connection=redis)

    second = dead_letters.page(limit=5, cursor=first.cursor, connection=redis)

    assert ids(first) + ids(second) == [f"job-{number:04}" for number in range(11, 1, -1)]


def test_new_letters_do_not_shift_the_pages(redis, now):
    bury_many(redis, 6, at=lambda number: now + timedelta(seconds=number))
    first = dead_letters.page(limit=3, connection=redis)
    bury_many(redis, 3, at=lambda _: now + timedelta(hours=1), prefix="later")

    second = dead_letters.page(limit=3, cursor=first.cursor, connection=redis)

    assert ids(second) == ["job-0002", "job-0001", "job-0000"]


def test_the_cursor_of_a_letter_is_that_of_a_page_that_ends_with_it(redis, now):
    bury_many(redis, 4, at=lambda number: now + timedelta(seconds=number))
    page = dead_letters.page(limit=2, connection=redis)

    assert dead_letters.cursor_of(page.letters[-1]) == page.cursor


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (Filter(), {"a", "b", "c"}),
        (Filter(message_type="EMAIL"), {"b"}),
        (Filter(queue="email"), {"b", "c"}),
        (Filter(queue="email:high"), {"c"}),
        (Filter(reason="timeout"), {"c"}),
        (Filter(text="REFUSED"), {"b"}),
        (Filter(since=datetime(2026, 1, 15, 13, tzinfo=UTC)), {"b", "c"}),
        (Filter(until=datetime(2026, 1, 15, 13, tzinfo=UTC)), {"a", "b"}),
        (Filter(message_type="EMAIL", reason="timeout"), set()),
    ],
)
def test_a_filter_keeps_what_fits(redis, wanted, expected):
    for found in (
        letter("a", buried_at="2026-01-15T12:00:00+00:00"),
        letter(
            "b",
            message_type="EMAIL",
            queue="email",
            error="ConnectionError: refused",
            buried_at="2026-01-15T13:00:00+00:00",
        ),
        letter("c", queue="email:high", reason="timeout", buried_at="2026-01-15T14:00:00+00:00"),
    ):
        dead_letters.bury(found, meta={}, connection=redis)

    assert set(all_ids(redis, wanted)) == expected
    assert {each.job_id for each in dead_letters.matching(wanted, connection=redis)} == expected


def test_a_time_without_zone_is_refused():
    with pytest.raises(InvalidOption, match="time zone"):
        Filter(since=datetime(2026, 1, 15))  # noqa: DTZ001


@pytest.mark.parametrize("options", [{"limit": 0}, {"limit": 1001}, {"cursor": "rubbish"}])
def test_what_cannot_be_a_page_is_refused(redis, options):
    with pytest.raises(InvalidOption):
        dead_letters.page(connection=redis, **options)


def test_a_hundred_of_ten_thousand_take_two_round_trips(redis, now, monkeypatch):
    bury_many(redis, 10_000, at=lambda number: now + timedelta(seconds=number))
    dead_letters.page(limit=1, connection=redis)  # loads the script
    sent = RoundTrips(redis, monkeypatch)

    page = dead_letters.page(limit=100, connection=redis)

    assert len(page.letters) == 100
    assert sent.count <= 2


def test_letters_of_an_older_release_are_listed_as_well(redis, now):
    bury_many(redis, 2, at=lambda number: now + timedelta(seconds=number))
    redis.delete(keys.dead_letter_index())

    assert all_ids(redis) == ["job-0001", "job-0000"]

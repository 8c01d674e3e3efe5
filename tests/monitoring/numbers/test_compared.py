"""Two periods, read as the engine counted them."""

from datetime import UTC, datetime, timedelta

import pytest

from monitoring.errors import InvalidQuery
from monitoring.numbers import series
from monitoring.numbers.compared import read_compared
from tests.monitoring.conftest import url_of
from tests.monitoring.counted import move, note
from tests.monitoring.counting import Counting, counting
from workers import deploys
from workers.clock import utc_now

NOW = datetime(2026, 1, 15, 12, 30, tzinfo=UTC)
EMAIL = ("email|EMAIL", "", "finished", 100_000, 40_000)
SYNC = ("sync|DATA_SYNC", "", "finished", 100_000, 40_000)


def ended(redis, ago: timedelta, *runs) -> None:
    note(redis, *runs)
    move(redis, NOW - ago)


def counts(types) -> dict[str, int]:
    return {name: each.ended for name, each in types.items()}


@pytest.mark.parametrize(
    ("period", "length"),
    [("24h", timedelta(hours=24)), ("7d", timedelta(days=7)), ("30d", timedelta(days=30))],
)
def test_each_run_is_in_the_period_that_it_ended_in(redis, period: str, length: timedelta) -> None:
    ended(redis, timedelta(), EMAIL)
    ended(redis, length, EMAIL, SYNC)
    ended(redis, 3 * length, SYNC)

    found = read_compared(period, now=NOW, connection=redis)
    assert counts(found.types) == {"EMAIL": 1}
    assert counts(found.types_before) == {"EMAIL": 1, "DATA_SYNC": 1}
    assert found.types["EMAIL"].run.quantile_ms(0.95) == pytest.approx(100, rel=0.025)


def test_of_a_queue_or_a_type_there_is_nothing_else(redis) -> None:
    ended(redis, timedelta(), EMAIL, SYNC)

    for asked in ({"queue": "email"}, {"message_type": "EMAIL"}):
        assert counts(read_compared("24h", **asked, now=NOW, connection=redis).types) == {
            "EMAIL": 1
        }


def test_only_releases_of_the_period_are_told(redis) -> None:
    deploys.mark("4f2c91d", connection=redis)

    now = utc_now()
    later = now + timedelta(days=3)
    assert [each.version for each in _deploys(redis, now)] == ["4f2c91d"]
    assert _deploys(redis, later) == []


def _deploys(redis, now: datetime):
    return list(read_compared("24h", now=now, connection=redis).deploys)


def test_with_too_many_histograms_the_oldest_have_none_and_it_says_so(redis, monkeypatch) -> None:
    ended(redis, timedelta(), EMAIL)
    ended(redis, timedelta(hours=2), EMAIL)
    monkeypatch.setattr(series, "MOST_HISTOGRAMS", 1)

    found = read_compared("24h", now=NOW, connection=redis)
    assert not found.has_times
    assert counts(found.types) == {"EMAIL": 2}
    assert found.buckets[-3].figures.popitem()[1].run.quantile_ms(0.5) is None


def test_another_period_is_refused(redis) -> None:
    with pytest.raises(InvalidQuery, match="period is '1h'"):
        read_compared("1h", now=NOW, connection=redis)


def test_it_takes_two_round_trips(redis) -> None:
    ended(redis, timedelta(), EMAIL, SYNC)

    client = counting(url_of(redis))

    read_compared("7d", now=NOW, connection=client)

    assert Counting.sent == 2

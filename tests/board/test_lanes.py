"""Where streams are going, what a trim removes, and what ended of a tenant's stream."""

from datetime import UTC, datetime, timedelta

import pytest
from redis import Redis

from monitoring.board.depths import Depths
from monitoring.board.forecasts import forecast_of_stream
from monitoring.numbers.buckets import read_sums
from monitoring.numbers.spans import pieces_of
from monitoring.streams.outcomes import read_ends
from monitoring.streams.trimmable import trimmable
from tests.workers.streams.places import TEMPLATE, own
from workers import keys
from workers.streams.naming import Naming

NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("waiting", "alive", "went", "came", "said"),
    [
        (0, 0, 0.0, None, "Nothing waits"),
        (0, 2, 0.0, None, "Keeps up"),
        (5, 0, 0.0, None, "Stands still"),
        (5, 1, 0.0, None, "Stands still"),
        (5, 1, 9.0, None, "Keeps up"),
        (5, 1, 9.0, 9.5, "Keeps up"),
        (50, 1, 10.0, 40.0, "Grows by 30 a minute"),
        (50, 1, 30.0, 20.0, "Drains in 5 min"),
    ],
)
def test_a_forecast_is_a_sentence(waiting, alive, went, came, said: str) -> None:
    found = forecast_of_stream(waiting, alive=alive, went=went, came=came, paused=False)

    assert found == said


def test_a_paused_stream_says_by_how_much_it_grows() -> None:
    held = [
        forecast_of_stream(9, alive=1, went=0.0, came=came, paused=True) for came in (None, 11.0)
    ]

    assert held == ["Stands still until resumed", "Grows by 11 a minute until resumed"]


def test_how_a_backlog_moves_is_known_after_ten_seconds_and_forgotten_after_five_minutes() -> None:
    depths = Depths()
    at = [NOON + timedelta(seconds=each) for each in (0, 6, 12, 1_000)]
    found = [
        depths.growth("s", load, at=each) for load, each in zip((0, 6, 12, 0), at, strict=True)
    ]

    assert found[:2] == [None, None]
    assert found[2] == pytest.approx(60.0)
    assert found[3] is None


@pytest.mark.parametrize(
    ("length", "waiting", "pending", "goes"),
    [(450, 36, 34, 216), (150, 0, 0, 0), (1_000, 300, 100, 600), (10, 10, 0, 0)],
)
def test_a_trim_keeps_what_is_not_done_and_the_newest_200(length, waiting, pending, goes) -> None:
    group = {"queued_count": waiting, "pending_count": pending, "trimmed_count": 0}
    info = {"stream_name": "s", "length": length, "limit": 1_000, "groups": [group]}

    assert trimmable(info).goes == goes


def test_without_a_group_nothing_is_done() -> None:
    found = trimmable({"stream_name": "s", "length": 500, "limit": 1_000, "groups": []})

    assert (found.done, found.goes, found.share) == (0, 0, 50.0)


def test_what_ended_of_a_tenants_stream_is_not_what_ended_of_another(redis: Redis) -> None:
    naming, family = Naming(TEMPLATE), own("jobs:guild:*:message_scan")
    pieces = pieces_of("m", NOON - timedelta(minutes=1), NOON + timedelta(seconds=1))
    stat = f"{family}|MESSAGE_SCAN"
    for outcome, of_seven, of_all in (("finished", 3, 8), ("failed", 1, 2)):
        hour = keys.stats(*pieces[-1])
        redis.hset(hour, f"tenant|7|{stat}|{outcome}|n", of_seven)
        redis.hset(hour, f"{stat}|{outcome}|n", of_all)
    names = [naming.read(own(f"jobs:guild:{each}:message_scan")) for each in ("7", "8")]
    ends = read_ends(names, read_sums(pieces, connection=redis), connection=redis)

    told = {name: [(each.finished, each.failed) for each in of] for name, of in ends.items()}
    assert told[names[0].base] == [(0, 0), (3, 1)]
    assert told[names[1].base] == [(0, 0), (0, 0)]

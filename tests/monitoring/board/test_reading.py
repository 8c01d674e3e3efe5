"""What the numbers of a period say."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from monitoring.board.history_price import price_of
from monitoring.board.reading import TypeRow, bars_path, reading, rows_of
from monitoring.numbers.bucket_fields import Stat
from monitoring.numbers.buckets import Bucket
from monitoring.numbers.compared import Compared
from monitoring.numbers.deploys import Deploy
from monitoring.numbers.figures import Figures, Tally
from monitoring.numbers.histograms import Histogram
from monitoring.numbers.spans import Piece

NOW = datetime(2026, 1, 15, 12, 30, tzinfo=UTC)
TENTH, THIRD = 142, 164  # places of about 100 and 300 ms
"""0.1 ms times 1.05 to these powers."""


def figures(ok: int, failed: int = 0, *, place: int = TENTH, wait: int = TENTH) -> Figures:
    def tally(count: int) -> Tally:
        return Tally(count, Histogram.of({place: count}, 0), Histogram.of({wait: count}, 0))

    return Figures({"finished": tally(ok), "failed": tally(failed)})


def bucket(hours_ago: int, **types: Figures) -> Bucket:
    begin = int((NOW - timedelta(hours=hours_ago)).timestamp()) // 3600 * 3600
    stats: Mapping[Any, Figures] = {Stat("email", kind): each for kind, each in types.items()}
    return Bucket(Piece("h", begin), stats)


def compared(before: Figures, now: Figures, **changes: Any) -> Compared:
    return Compared([bucket(30, EMAIL=before)], [bucket(1, EMAIL=now)], **changes)


def said(before: Figures, now: Figures, **changes: Any) -> str:
    told = reading(compared(before, now, **changes), length="24 hours")
    return told.replace("\N{NO-BREAK SPACE}%", " %")


def test_nothing_is_said_of_nothing() -> None:
    assert said(Figures(), Figures()) == "Nothing ended in these 24 hours."


def test_when_all_is_as_before_it_says_so() -> None:
    assert said(figures(100), figures(90)) == (
        "100 % of 90 jobs succeeded; in the 24 hours before, 100 % of 100. "
        "No type got slower or fails more often."
    )


def test_without_a_time_before_it_says_that_there_is_none() -> None:
    assert said(Figures(), figures(1)) == (
        "100 % of 1 job succeeded. There is no time before to compare with."
    )


def test_what_fails_without_a_time_before_is_told_too() -> None:
    assert said(Figures(), figures(75, 25)).endswith("Of EMAIL only 75.0 % succeed.")


def test_what_got_slower_is_told_with_how_much() -> None:
    told = said(figures(100), figures(100, place=THIRD))

    assert told.endswith("EMAIL got 2.9\N{MULTIPLICATION SIGN} slower than before (p95 291 ms).")


def test_a_release_between_is_named() -> None:
    deploy = Deploy("4f2c91d", NOW - timedelta(hours=1))
    told = said(figures(100), figures(100, place=THIRD), deploys=[deploy])

    assert told.endswith("EMAIL got 2.9\N{MULTIPLICATION SIGN} slower since the deploy of 4f2c91d.")


def test_of_one_type_only_the_first_thing_is_said() -> None:
    told = said(figures(100), figures(90, 10, place=THIRD))

    assert "EMAIL fails more often (90.0 % succeed, 100 % did before)." in told
    assert "slower" not in told


def test_a_longer_wait_is_told_where_it_is_noticed() -> None:
    longer = said(figures(100), figures(100, wait=TENTH + 60))  # 18.7 times as long

    assert longer.endswith("EMAIL waits 19\N{MULTIPLICATION SIGN} longer (p95 1.9 s).")
    assert "waits" not in said(figures(100, wait=20), figures(100, wait=80))


@pytest.mark.parametrize(
    ("now", "change"),
    [
        (figures(100, place=THIRD), "2.9\N{MULTIPLICATION SIGN} slower"),
        (figures(100, place=TENTH - 22), "2.9\N{MULTIPLICATION SIGN} faster"),
        (figures(100, place=TENTH + 2), "as before"),
        (figures(19, place=THIRD), "too few"),
    ],
)
def test_a_change_is_told_from_twenty_runs_on(now: Figures, change: str) -> None:
    assert TypeRow("EMAIL", now, figures(100)).change == change


def test_a_type_that_was_not_there_before_is_new() -> None:
    assert TypeRow("EMAIL", figures(100)).change == "new"


def test_rows_stand_busiest_first_and_only_of_what_ended() -> None:
    both = Compared([], [bucket(1, A=figures(1), B=figures(5), C=Figures())])

    assert [row.name for row in rows_of(both)] == ["B", "A"]


def test_the_small_histogram_has_a_bar_for_each_span_that_has_runs() -> None:
    assert bars_path(Histogram.of({0: 1, TENTH: 2}, 0)) == "M0 22v-11h9v11zM20 22v-22h9v22z"
    assert bars_path(Histogram.of({400: 1}, 0)) == "M70 22v-22h9v22z"
    assert bars_path(Histogram()) == ""


def test_the_hour_of_a_release_counts_as_after_it() -> None:
    before, after = compared(figures(1), figures(2)).around(NOW - timedelta(hours=1))

    assert (before["EMAIL"].ended, after["EMAIL"].ended) == (1, 2)


def test_history_is_told_dearest_first_without_what_there_is_none_of() -> None:
    def kind(name: str, size: int, entries: int, **settings: Any) -> dict[str, Any]:
        return {
            "kind": name,
            "bytes": size,
            "entries": entries,
            "settings": settings,
            "limit": None if settings else "90 days",
        }

    kinds = [kind("dayBuckets", 1, 1), kind("results", 99, 4, RESULT_TTL=86_400), kind("x", 0, 0)]
    price = price_of({"kinds": kinds, "historyBytes": 100, "usedBytes": None, "savings": []})

    assert [(each.name, each.kept) for each in price.costs] == [
        ("Results", "RESULT_TTL = 86400 s (24 h)"),
        ("Day buckets", "90 days"),
    ]
    assert sum(float(width) for *_, width in price.bars) <= 100

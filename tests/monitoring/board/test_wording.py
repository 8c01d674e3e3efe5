"""Numbers and times in the words of the board."""

from datetime import UTC, datetime, timedelta

import pytest

from monitoring.board import wording

NOW = datetime(2026, 1, 15, 12, 30, tzinfo=UTC)
THIN = "\u202f"


@pytest.mark.parametrize(
    ("number", "expected"),
    [(0, "0"), (7.0, "7"), (1.234, "1.23"), (99.96, "100"), (260_344, f"260{THIN}344")],
)
def test_counts_have_thin_spaces_and_three_figures(number: float, expected: str) -> None:
    assert wording.count(number) == expected


@pytest.mark.parametrize(
    ("share", "expected"),
    [(None, "–"), (0.0, "0 %"), (100.0, "100 %"), (99.99, "99.9 %"), (0.01, "0.1 %")],  # noqa: RUF001
)
def test_only_all_is_100_percent_and_only_none_is_0(share: float | None, expected: str) -> None:
    assert wording.percent(share) == expected.replace(" ", "\N{NO-BREAK SPACE}")


@pytest.mark.parametrize(
    ("milliseconds", "expected"),
    [
        (None, "–"),  # noqa: RUF001 - a dash, as it is shown
        (0.42, "0.42 ms"),
        (48, "48 ms"),
        (1_400, "1.4 s"),
        (24_000, "24 s"),
        (24 * 60_000, "24 min"),
        (3_600_000, "1 h"),
        (72 * 60_000, "1 h 12 min"),
        (72 * 3_600_000, "3 d"),
    ],
)
def test_times_have_the_unit_that_fits(milliseconds: float | None, expected: str) -> None:
    assert wording.duration(milliseconds) == expected


@pytest.mark.parametrize(
    ("number", "expected"),
    [(None, "–"), (12, "12 bytes"), (1_400, "1.4 kB"), (3.8e7, "38 MB"), (1.4e9, "1.4 GB")],  # noqa: RUF001
)
def test_sizes_have_the_unit_that_fits(number: float | None, expected: str) -> None:
    assert wording.size(number) == expected


def test_an_exact_time_names_its_zone() -> None:
    assert wording.exactly(NOW) == "2026-01-15 12:30:00 UTC"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(-1_440, "24 min ago"), (0, "now"), (240, "in 4 min"), (-5 * 86_400, "10 Jan 12:30 UTC")],
)
def test_a_moment_is_told_from_now_and_carries_the_exact_one(seconds: int, said: str) -> None:
    moment = NOW + timedelta(seconds=seconds)
    stamp = moment.isoformat().replace("+00:00", "Z")

    assert wording.told(moment, now=NOW) == f'<time datetime="{stamp}">{said}</time>'
    assert wording.told(moment.isoformat(), now=NOW) == wording.told(moment, now=NOW)


def test_a_moment_that_is_not_known_is_a_dash() -> None:
    assert wording.told(None, now=NOW) == "&ndash;"


def test_a_span_is_told_without_ago() -> None:
    told = wording.told(NOW - timedelta(minutes=3), now=NOW, form="span")

    assert told.endswith('data-f="span">3 min</time>')


def test_a_clock_names_the_day_if_it_is_another_one() -> None:
    assert wording.clock(NOW, now=NOW) == "12:30"
    assert wording.clock((NOW - timedelta(days=1)).isoformat(), now=NOW) == "14 Jan 12:30"


def test_a_long_text_is_cut_and_shows_that() -> None:
    assert wording.cut("x" * 300) == "x" * 300
    assert wording.cut("x" * 301) == "x" * 300 + "\N{HORIZONTAL ELLIPSIS}"

from datetime import UTC, datetime, timedelta

import pytest

from handlers.parts.text_service import retry_after

NOW = datetime(2026, 1, 15, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7),
        ("0", 0),
        (" 1.5 ", 1.5),
        ("Thu, 15 Jan 2026 12:00:30 GMT", 30),
        ("Thu, 15 Jan 2026 11:00:00 GMT", 0),
        ("86400", 86_400),
        ("86401", 86_400),
        ("9" * 400, 86_400),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 86_400),
    ],
)
def test_retry_after_is_seconds_or_a_date_and_at_most_a_day(header: str, seconds: float) -> None:
    assert retry_after(header, now=NOW) == timedelta(seconds=seconds)


@pytest.mark.parametrize("header", [None, "", "soon", "-5", "1e3"])
def test_a_header_that_cannot_be_read_is_as_good_as_none(header: str | None) -> None:
    assert retry_after(header, now=NOW) is None

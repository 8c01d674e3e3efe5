"""The setting STUCK_POLICY: what is understood, and what is refused."""

from datetime import timedelta

import pytest
from pydantic import ValidationError

from workers import Settings
from workers.stuck_policies import StuckPolicy, read_stuck_policies

HALF_AN_HOUR = timedelta(minutes=30)


def test_without_a_policy_everything_is_only_reported() -> None:
    policies = read_stuck_policies(Settings().stuck_policy)

    assert policies.of("EMAIL") == policies.of("") == StuckPolicy("report", HALF_AN_HOUR)
    assert not policies.act


def test_a_policy_alone_is_that_of_all_types_and_one_with_a_type_wins() -> None:
    policies = read_stuck_policies(" escalate:1h, EMAIL=requeue ,DATA_SYNC=stop:150m,TEST=report")

    assert policies.act
    assert policies.of("NOTE_ENRICHMENT") == StuckPolicy("escalate", timedelta(hours=1))
    assert policies.of("EMAIL") == StuckPolicy("requeue", HALF_AN_HOUR)
    assert policies.of("DATA_SYNC") == StuckPolicy("stop", timedelta(minutes=150))
    assert policies.of("TEST") == StuckPolicy("report", HALF_AN_HOUR)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("kill", "an action is report, stop, requeue, escalate"),
        ("EMAIL=", "is no policy"),
        ("=stop", "is no policy"),
        ("EMAIL=stop=1h", "is no policy"),
        ("stop:1w", "is no policy"),
        ("stop:9999999d", "is no policy"),
        ("stop:599s", "give them a timeout"),
        ("stop,requeue", "two policies are for all types"),
        ("EMAIL=stop,EMAIL=report", "two policies are for EMAIL"),
    ],
)
def test_what_cannot_be_a_policy_is_refused_by_name(text: str, told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        Settings(stuck_policy=text)


def test_ten_minutes_are_the_youngest_age() -> None:
    assert read_stuck_policies("stop:600s").default.after == timedelta(minutes=10)

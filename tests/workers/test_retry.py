from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messages import InvalidMessage
from workers import (
    InvalidOption,
    PermanentError,
    ResourceUnavailable,
    RetryPolicy,
    Tier,
    TransientError,
)
from workers.options import with_overrides
from workers.retry import Again, Attempt, GiveUp


def seconds(decision: Again | GiveUp) -> float:
    assert isinstance(decision, Again)
    return decision.delay.total_seconds()


def longest(policy: RetryPolicy, attempt: Attempt, error: Exception) -> float:
    return seconds(policy.decide(attempt, error, spread=lambda: 1.0))


def test_a_transient_error_is_tried_again_at_once():
    decision = RetryPolicy().decide(Attempt(1), TransientError("blip"))

    assert seconds(decision) == 0


def test_a_third_transient_error_in_a_row_backs_off_like_a_resource_error():
    policy = RetryPolicy(max_attempts=9)

    assert longest(policy, Attempt(2, immediate=1), TransientError("blip")) == 0
    assert longest(policy, Attempt(3, immediate=2), TransientError("blip")) == 8


@pytest.mark.parametrize(("number", "expected"), [(1, 2), (2, 4), (3, 8), (4, 16), (9, 512)])
def test_the_back_off_doubles_from_two_seconds(number, expected):
    policy = RetryPolicy(max_attempts=99)

    assert longest(policy, Attempt(number), ResourceUnavailable("down")) == expected


@pytest.mark.parametrize("number", [10, 11, 1_000, 1_000_000])
def test_the_back_off_stays_at_its_cap_of_ten_minutes(number):
    policy = RetryPolicy(max_attempts=10**7)

    assert longest(policy, Attempt(number), ResourceUnavailable("down")) == 600


def test_full_jitter_spreads_from_nothing_to_the_whole_back_off():
    policy, error = RetryPolicy(max_attempts=9), ResourceUnavailable("down")

    delays = [
        seconds(policy.decide(Attempt(3), error, spread=lambda s=share: s))
        for share in (0.0, 0.25, 0.5)
    ]

    assert delays == [0.0, 2.0, 4.0]


def test_a_fixed_back_off_does_not_grow():
    policy = RetryPolicy(max_attempts=9, kind="fixed", base=timedelta(seconds=5), jitter=False)

    assert [longest(policy, Attempt(n), KeyError("x")) for n in (1, 2, 8)] == [5, 5, 5]


def test_of_a_fixed_back_off_too_a_random_part_is_waited():
    policy = with_overrides(RetryPolicy(), 9, ("fixed", 8))

    decision = policy.decide(Attempt(3), KeyError("x"), spread=lambda: 0.25)

    assert seconds(decision) == 2


def test_retry_after_is_waited_for_even_when_the_back_off_is_shorter():
    error = ResourceUnavailable("slow down", retry_after=timedelta(seconds=90))

    decision = RetryPolicy().decide(Attempt(1), error)

    assert seconds(decision) == 90
    assert "Retry-After" in decision.why


@pytest.mark.parametrize("error", [KeyError("x"), ConnectionError("y"), TimeoutError("z")])
def test_an_error_that_nobody_classified_backs_off(error):
    assert longest(RetryPolicy(), Attempt(1), error) == 2


@pytest.mark.parametrize("error", [PermanentError("no"), InvalidMessage("wrong")])
def test_a_permanent_error_is_given_up_at_the_first_attempt(error):
    decision = RetryPolicy().decide(Attempt(1), error)

    assert isinstance(decision, GiveUp)
    assert decision.reason == "permanent"


@pytest.mark.parametrize("error", [TransientError("a"), ResourceUnavailable("b"), KeyError("c")])
def test_the_last_attempt_is_exhausted_whatever_the_tier(error):
    assert isinstance(RetryPolicy().decide(Attempt(2), error), Again)
    decision = RetryPolicy().decide(Attempt(3), error)

    assert isinstance(decision, GiveUp)
    assert decision.reason == "exhausted"


def test_no_attempt_starts_after_retry_for():
    policy = RetryPolicy(max_attempts=9, jitter=False, retry_for=timedelta(seconds=60))

    assert isinstance(policy.decide(Attempt(2, age=timedelta(seconds=56)), KeyError()), Again)
    assert isinstance(policy.decide(Attempt(2, age=timedelta(seconds=57)), KeyError()), GiveUp)


def test_the_most_derived_class_of_the_policy_decides_the_tier():
    policy = RetryPolicy(tiers={OSError: Tier.TRANSIENT, ConnectionError: Tier.PERMANENT})

    assert policy.tier_of(ConnectionRefusedError()) is Tier.PERMANENT
    assert policy.tier_of(PermissionError()) is Tier.TRANSIENT
    assert policy.tier_of(KeyError()) is Tier.RESOURCE


def test_a_predicate_is_asked_before_the_classes():
    policy = RetryPolicy(
        classify=lambda error: Tier.PERMANENT if "gone" in str(error) else None,
    )

    assert policy.tier_of(ResourceUnavailable("it is gone")) is Tier.PERMANENT
    assert policy.tier_of(ResourceUnavailable("it is down")) is Tier.RESOURCE


@pytest.mark.parametrize(
    "wrong",
    [
        {"max_attempts": 0},
        {"base": timedelta()},
        {"base": timedelta(hours=1), "cap": timedelta(minutes=1)},
    ],
)
def test_a_policy_that_makes_no_sense_is_refused(wrong):
    with pytest.raises(InvalidOption) as refused:
        RetryPolicy(**wrong)

    assert refused.value.remedy


@given(
    number=st.integers(1, 10**6),
    base=st.integers(1, 10**6),
    extra=st.integers(0, 10**6),
    spread=st.floats(0, 0.999999),
)
def test_every_back_off_lies_between_nothing_and_the_cap(number, base, extra, spread):
    cap = timedelta(milliseconds=base + extra)
    policy = RetryPolicy(max_attempts=10**7, base=timedelta(milliseconds=base), cap=cap)

    delay = seconds(policy.decide(Attempt(number), KeyError(), spread=lambda: spread))

    assert 0 <= delay <= cap.total_seconds()
    assert policy.longest(number) <= policy.longest(number + 1)

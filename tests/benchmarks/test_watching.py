from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.watching import measure
from benchmarks.watching_cost import Cost, Drain, Looks, Plan, Round, as_text

PLAIN = Drain(jobs_per_second=10_000, command_us=60, script_us=40)
WATCHED = Drain(jobs_per_second=9_600, command_us=61, script_us=41)
ROUND = Round(PLAIN, WATCHED, PLAIN, core=0.02)
FINE = Cost(jobs=60_000, rounds=[ROUND] * 9, looks=Looks(command_us=8_000, core=0.02))


@pytest.mark.drill
@pytest.mark.slow("the web process starts twice, and a worker drains three queues")
def test_a_worker_is_watched_and_handles_every_job(tmp_path: Path) -> None:
    found = measure(Plan(1, slice_seconds=0.2, most_jobs=2_000, look_seconds=3.0), tmp_path)

    (seen,) = found.rounds
    assert seen.watched.jobs_per_second > 0
    assert 0 < seen.before.script_us < seen.before.command_us
    assert found.looks.command_us > 0
    assert found.added <= 0.02
    assert "50 clients" in as_text(found)


def test_looking_is_compared_with_what_the_jobs_need() -> None:
    # 8 ms of commands a second for who looks, 400 ms for the jobs.
    assert FINE.added == pytest.approx(0.02)
    assert FINE.left == pytest.approx(0.96)
    assert FINE.rounds[0].as_seen == pytest.approx(1 / 60)
    assert FINE.faults == []


def test_the_cheapest_round_is_what_looking_is_compared_with() -> None:
    cheap = replace(ROUND, after=replace(PLAIN, script_us=20))

    assert replace(FINE, rounds=[ROUND, cheap]).added == pytest.approx(0.04)


def test_a_watched_drain_is_compared_with_both_that_stand_beside_it() -> None:
    slower = Round(PLAIN, WATCHED, replace(PLAIN, jobs_per_second=9_200), core=0.02)

    assert slower.left == 1.0


def test_what_is_over_a_limit_is_told() -> None:
    slow = replace(ROUND, watched=replace(WATCHED, jobs_per_second=9_400))
    busy = replace(ROUND, core=0.051)

    assert replace(FINE, looks=Looks(8_400, 0.02)).faults == [
        "looking adds 2.10% to the server's time for a job"
    ]
    assert replace(FINE, rounds=[slow] * 9).faults == ["94.0% of the jobs a second are left"]
    assert replace(FINE, rounds=[busy] * 9).faults == ["the web process used 5.1% of a core"]
    assert "OVER ITS LIMIT  94.0%" in as_text(replace(FINE, rounds=[slow] * 9))


def test_a_machine_that_is_too_noisy_says_nothing_of_the_jobs_that_are_left() -> None:
    noisy = replace(
        ROUND,
        watched=replace(WATCHED, jobs_per_second=9_000),
        after=replace(PLAIN, jobs_per_second=11_000),
    )
    found = replace(FINE, rounds=[noisy] * 9)

    assert not found.is_quiet
    assert found.faults == []
    assert "TOO NOISY" in as_text(found)

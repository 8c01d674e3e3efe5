import pytest

from benchmarks.arithmetic import (
    Comparison,
    Cost,
    Counts,
    Ratio,
    Usage,
    compared,
    cost,
    counts_per_job,
    differing,
    quiet_measures,
    typical,
)


def a_cost(speed: float = 100, cpu: float = 1000) -> Cost:
    return Cost(jobs_per_second=speed, worker_us=cpu * 0.75, server_us=cpu * 0.25, memory_bytes=1)


def a_comparison(speed: float = 1.0, cpu: float = 1.0) -> Comparison:
    return Comparison(speed=Ratio(speed, 0, 99), cpu=Ratio(cpu, 0, 99))


def test_what_an_empty_drain_costs_is_taken_off() -> None:
    full = Usage(seconds=2.5, worker_cpu=1.1, server_cpu=0.25, memory_bytes=7)
    empty = Usage(seconds=0.5, worker_cpu=0.1, server_cpu=0.05, memory_bytes=5)

    found = cost(full, empty, 1000)

    assert found.jobs_per_second == pytest.approx(500)
    assert found.worker_us == pytest.approx(1000)
    assert found.server_us == pytest.approx(200)
    assert found.cpu_us == pytest.approx(1200)
    assert found.memory_bytes == 7


def test_noise_never_makes_a_cost_negative() -> None:
    found = cost(Usage(0.1, 0.1, 0.1), Usage(0.2, 0.2, 0.2), 10)

    assert (found.worker_us, found.server_us) == (0, 0)
    assert found.jobs_per_second > 0


def test_counts_are_those_of_a_job() -> None:
    found = counts_per_job(Counts(580, 700, 210), Counts(10, 20, 10), 10)

    assert found == Counts(commands=57, calls=68, round_trips=20)


def test_each_round_is_compared_with_its_own_base() -> None:
    base = [a_cost(100, 1000), a_cost(10, 4000), a_cost(100, 1000)]
    row = [a_cost(200, 500), a_cost(30, 1000), a_cost(500, 100)]

    found = compared(row, base)

    assert found.speed == Ratio(median=3, least=2, most=5)
    assert found.cpu == Ratio(median=4, least=2, most=10)


def test_rows_with_another_number_of_rounds_are_not_compared() -> None:
    with pytest.raises(ValueError, match="zip"):
        compared([a_cost()], [a_cost(), a_cost()])


def test_the_median_is_taken_of_each_figure() -> None:
    found = typical([a_cost(1, 300), a_cost(5, 100), a_cost(3, 200)])

    assert (found.jobs_per_second, found.cpu_us) == (3, 200)


@pytest.mark.parametrize(
    ("speed", "cpu", "quiet"),
    [
        (1.0, 1.0, ["cpu", "speed"]),
        (0.9, 1.1, ["cpu", "speed"]),
        (0.899, 1.0, ["cpu"]),
        (1.0, 1.101, ["speed"]),
        (1.5, 0.5, []),
    ],
)
def test_a_run_is_quiet_if_the_base_is_equal_to_itself(speed, cpu, quiet) -> None:
    assert quiet_measures(a_comparison(speed, cpu)) == quiet


def test_settings_that_are_not_the_same_everywhere_are_named() -> None:
    sides = {"simple": {"ttl": 1, "log": "all"}, "ours": {"ttl": 1, "log": "failures"}}

    assert differing(sides) == ["log"]

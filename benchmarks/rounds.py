"""Runs the rows in turn, on one server, and takes the figures.

One worker is a parent, its child if it has one, and its server; nothing else of ours runs
meanwhile. A run that was too noisy is repeated as a whole; nothing is ever left out of it.
CPU decides that: the times of a busy machine say little, and are marked where they say nothing.
"""

import time
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.arithmetic import (
    Comparison,
    Cost,
    Counts,
    Measures,
    Usage,
    compared,
    cost,
    counts_per_job,
    quiet_measures,
    typical,
)
from benchmarks.contestant import Contestant, started
from benchmarks.idle import Idle, idle
from benchmarks.monitor import counted_commands
from benchmarks.plan import LEAST_JOBS, Plan, Row, jobs_for
from benchmarks.proxy import counting_proxy
from benchmarks.saying import say
from benchmarks.server import BenchServer, bench_server, settings_changed
from benchmarks.spans_sink import with_sink

Costs = Mapping[str, Sequence[Cost]]

Jobs = Mapping[Hashable, int]
"""How many jobs a drain has, by what its row does."""


@dataclass(frozen=True)
class RowResult:
    """What became of one row.

    Args:
        row: The row.
        settings: Of its process.
        jobs: How many it did in each drain.
        rounds: Its figures, one a round.
        counts: What a job asks of the server.
        comparison: Against its base; None if it is one, or its settings are others.
    """

    row: Row
    settings: Mapping[str, object]
    jobs: int
    rounds: Sequence[Cost]
    counts: Counts
    comparison: Comparison | None

    @property
    def typical(self) -> Cost:
        """The medians of its rounds."""
        return typical(self.rounds)

    @property
    def share_of_ideal(self) -> float:
        """Its jobs a second by those of the ideal, for a row that has one."""
        assert self.row.ideal is not None, "asked only of rows with an ideal"  # noqa: S101
        return self.typical.jobs_per_second / self.row.ideal


@dataclass(frozen=True)
class Result:
    """What a bench has found.

    Args:
        rows: In the order of the table.
        quiet: In what the base was equal to itself; None if the row for that was left out.
        noisy_runs: The runs that were repeated, or given up, because they were too noisy.
        server: Name and version.
        server_settings: Name -> default and value, of those that were changed.
        seconds: What all of it took.
        idle: What idle workers do; None if nobody asked.
    """

    rows: Sequence[RowResult]
    quiet: Measures | None
    noisy_runs: int
    server: str
    server_settings: Mapping[str, tuple[str, str]]
    seconds: float
    idle: Idle | None = None

    def of(self, name: str) -> RowResult:
        """The result of a row that was run.

        Args:
            name: The row's.
        """
        return next(result for result in self.rows if result.row.name == name)

    @property
    def idle_workers(self) -> Idle:
        """What idle workers do, where it was measured."""
        assert self.idle is not None, "asked only of a run with idle workers"  # noqa: S101
        return self.idle


@dataclass(frozen=True)
class _Stand:
    server: BenchServer
    contestants: Sequence[Contestant]
    plan: Plan
    began: float

    @property
    def elapsed(self) -> float:
        return time.monotonic() - self.began


def bench(
    plan: Plan,
    rows: Sequence[Row],
    folder: Path,
    *,
    needed: Measures,
    with_idle: bool = False,
) -> Result:
    """Measure.

    Args:
        plan: For how long.
        rows: What; the base must be among them.
        folder: An empty folder for logs and the server's files.
        needed: What a run must be quiet enough for, or it is repeated.
        with_idle: Whether to measure idle workers, too.

    Returns:
        The figures of the last run: the first quiet one, or a noisy one if time was up.

    Raises:
        BenchFailed: If a worker did not handle every message it was given.
        ServerUnavailable: If no server is installed.
    """
    began = time.monotonic()
    with with_sink(rows) as aimed, _prepared(plan, aimed, folder, began) as stand:
        say("loading the application, once a row")
        settings = {each.row.name: each.described() for each in stand.contestants}
        counts = {each.row.name: _counted(stand, each) for each in stand.contestants}
        jobs = _calibrated(stand)
        costs, noisy_runs = _first_quiet_run(stand, jobs, needed)
        idle_workers = _idle(stand, folder) if with_idle else None
        return Result(
            rows=[
                RowResult(
                    row=row,
                    settings=settings[row.name],
                    jobs=jobs[row.way],
                    rounds=costs[row.name],
                    counts=counts[row.name],
                    comparison=_comparison(row, costs),
                )
                for row in aimed
            ],
            quiet=_quiet(aimed, costs),
            noisy_runs=noisy_runs,
            server=stand.server.version,
            server_settings=settings_changed(stand.server, folder),
            idle=idle_workers,
            seconds=stand.elapsed,
        )


def _idle(stand: _Stand, folder: Path) -> Idle:
    say("idle workers: how soon they begin, and what they ask meanwhile")
    return idle(stand.plan, stand.server, folder)


@contextmanager
def _prepared(plan: Plan, rows: Sequence[Row], folder: Path, began: float) -> Iterator[_Stand]:
    with ExitStack() as stack:
        server = stack.enter_context(bench_server(folder / "data"))
        contestants = [stack.enter_context(started(row, server.url, folder)) for row in rows]
        yield _Stand(server, contestants, plan, began)


def _first_quiet_run(stand: _Stand, jobs: Jobs, needed: Measures) -> tuple[Costs, int]:
    noisy_runs = 0
    while True:
        began = stand.elapsed
        costs = _run(stand, jobs)
        quiet = _quiet((each.row for each in stand.contestants), costs)
        if quiet is None or set(needed) <= set(quiet):
            return costs, noisy_runs
        noisy_runs += 1
        took = stand.elapsed - began
        if stand.elapsed + took > stand.plan.budget_seconds:
            return costs, noisy_runs
        say("too noisy: the base is not equal to itself; all of it is repeated")


def _run(stand: _Stand, jobs: Jobs) -> Costs:
    costs: dict[str, list[Cost]] = {each.row.name: [] for each in stand.contestants}
    for number in range(stand.plan.rounds):
        # There and back, so that no row is always the one after the same other.
        for each in stand.contestants[:: -1 if number % 2 else 1]:
            row = each.row
            empty = _drained(stand, each, 0)
            number_of_jobs = jobs[row.way]
            found = cost(_drained(stand, each, number_of_jobs), empty, number_of_jobs)
            costs[row.name].append(found)
            say(
                f"round {number + 1} of {stand.plan.rounds}: {row.title}, "
                f"{number_of_jobs} jobs, {found.jobs_per_second:,.0f}/s, {found.cpu_us:,.0f} us"
            )
    return costs


def _drained(stand: _Stand, contestant: Contestant, jobs: int) -> Usage:
    url = stand.server.url
    stand.server.empty()
    contestant.fill(jobs, url)
    spent = stand.server.cpu_seconds()
    usage = contestant.drain(jobs, url)
    server_cpu = stand.server.cpu_seconds() - spent
    contestant.check(jobs, url)
    return replace(usage, server_cpu=server_cpu)


def _calibrated(stand: _Stand) -> Jobs:
    found: dict[Hashable, int] = {}
    for each in stand.contestants:
        row = each.row
        if row.way not in found:
            few = _rate(stand, each, LEAST_JOBS)
            # One that leases many jobs at once shows only with many how fast it is.
            rate = _rate(stand, each, jobs_for(few, stand.plan.slice_seconds / 10, row))
            found[row.way] = jobs_for(rate, stand.plan.slice_seconds, row)
    return found


def _rate(stand: _Stand, contestant: Contestant, jobs: int) -> float:
    empty = _drained(stand, contestant, 0)
    return cost(_drained(stand, contestant, jobs), empty, jobs).jobs_per_second


def _counted(stand: _Stand, contestant: Contestant) -> Counts:
    # This also is the first work of its process, so what is imported late is not timed.
    jobs = stand.plan.counted_jobs
    full, empty = (_asked(stand, contestant, number) for number in (jobs, 0))
    return counts_per_job(full, empty, jobs)


def _asked(stand: _Stand, contestant: Contestant, jobs: int) -> Counts:
    server = stand.server
    server.empty()
    contestant.fill(jobs, server.url)
    calls = server.calls()
    with counting_proxy(server.port) as proxy, counted_commands(server.port) as counted:
        contestant.drain(jobs, proxy.url)
    found = Counts(counted.commands, server.calls() - calls, proxy.writes)
    contestant.check(jobs, server.url)
    return found


def _comparison(row: Row, costs: Costs) -> Comparison | None:
    return compared(costs[row.name], costs[row.base]) if row.is_compared else None


def _quiet(rows: Iterable[Row], costs: Costs) -> Measures | None:
    again = next((row for row in rows if row.is_base_again), None)
    return quiet_measures(compared(costs[again.name], costs[again.base])) if again else None

"""The result as a person reads it, and as a program does."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from benchmarks.arithmetic import AA_HIGH, AA_LOW, Cost, Measure, Ratio, differing
from benchmarks.gates import Judgement
from benchmarks.idle import Idle
from benchmarks.plan import ROWS
from benchmarks.rounds import Result, RowResult

_MEGABYTE = 1_000_000

_FIGURES = "{:32} {:>8} {:>9} {:>9} {:>9} {:>9} {:>9} {:>8} {:>7}"
_RATIOS = "{:32} {:>26} {:>26}"
_IDLE = "{:32} {:>8} {:>9} {:>9}"
_TITLES = {row.name: row.title for row in ROWS}

_MEASURES: dict[Measure, str] = {"cpu": "CPU", "speed": "speed"}

_EXPLAINED = (
    "CPU: user and system time, start-up taken off. Commands: sent by the worker; in brackets",
    "with those that scripts call. Trips: socket writes. Memory: the process and its child.",
)


def as_text(result: Result, judgements: Sequence[Judgement]) -> str:
    """The tables, the settings and the verdicts.

    Args:
        result: What was found.
        judgements: Of each gate asked for.
    """
    tables = (_heading(result), _figures(result), _ratios(result))
    idle = [] if result.idle is None else [_idle(result.idle)]
    parts = (*tables, *idle, _settings(result))
    lines = [*(line for part in parts for line in (*part, "")), *_verdicts(result, judgements)]
    return "\n".join(lines).rstrip() + "\n"


def as_json(result: Result, judgements: Sequence[Judgement]) -> dict[str, Any]:
    """The same as one object; figures a job, microseconds and bytes.

    Args:
        result: What was found.
        judgements: Of each gate asked for.
    """
    return {
        "quiet": None if result.quiet is None else sorted(result.quiet),
        "noisyRuns": result.noisy_runs,
        "seconds": round(result.seconds, 1),
        "server": result.server,
        "serverSettings": {
            name: {"default": default, "here": here}
            for name, (default, here) in result.server_settings.items()
        },
        "rows": [_row_as_json(row) for row in result.rows],
        "idle": None if result.idle is None else _idle_as_json(result.idle),
        "gates": [
            {
                "name": each.gate.name,
                "limit": each.gate.limit,
                "found": each.found,
                "verdict": each.verdict,
            }
            for each in judgements
        ],
    }


def _idle_as_json(idle: Idle) -> dict[str, Any]:
    return {
        "latencySeconds": {row: list(each) for row, each in idle.latencies.items()},
        "roundTrips": dict(idle.trips),
        "commandsPerSecond": {str(queues): each for queues, each in idle.commands.items()},
    }


def _row_as_json(found: RowResult) -> dict[str, Any]:
    return {
        "name": found.row.name,
        "title": found.row.title,
        "jobs": found.jobs,
        "typical": _cost_as_json(found.typical),
        "rounds": [_cost_as_json(each) for each in found.rounds],
        "commandsPerJob": found.counts.commands,
        "callsPerJob": found.counts.calls,
        "roundTripsPerJob": found.counts.round_trips,
        "shareOfIdeal": (None if found.row.ideal is None else found.share_of_ideal),
        "comparedWith": found.row.base if found.comparison else None,
        "comparison": asdict(found.comparison) if found.comparison else None,
        "settings": dict(found.settings),
    }


def _cost_as_json(cost: Cost) -> dict[str, float]:
    return {
        "jobsPerSecond": cost.jobs_per_second,
        "cpuUs": cost.cpu_us,
        "workerUs": cost.worker_us,
        "serverUs": cost.server_us,
        "memoryBytes": cost.memory_bytes,
    }


def _heading(result: Result) -> Iterator[str]:
    first = result.rows[0]
    told = first.settings
    yield (
        f"One worker at a time, {len(first.rounds)} rounds, messages of {told['message_bytes']} "
        f"bytes, {result.server}, rq {told['rq']}, Python {told['python']}, {result.seconds:.0f} s"
    )


def _figures(result: Result) -> Iterator[str]:
    yield _FIGURES.format(
        "", "", "CPU us", "of it", "of it", "commands", "(with", "trips", "memory"
    )
    yield _FIGURES.format(
        "medians", "jobs/s", "a job", "worker", "server", "a job", "scripts)", "a job", "MB"
    )
    for row in result.rows:
        typical, counts = row.typical, row.counts
        yield _FIGURES.format(
            row.row.title,
            _number(typical.jobs_per_second),
            _number(typical.cpu_us),
            _number(typical.worker_us),
            _number(typical.server_us),
            _number(counts.commands),
            f"({_number(counts.calls)})",
            f"{counts.round_trips:.2f}",
            _number(typical.memory_bytes / _MEGABYTE),
        )
    yield from _EXPLAINED
    for row in result.rows:
        if row.row.ideal is not None:
            ideal = f"the ideal {row.row.ideal:,.0f} jobs/s"
            yield f"{row.row.title}: {row.share_of_ideal:.0%} of {ideal}."


def _ratios(result: Result) -> Iterator[str]:
    for base in dict.fromkeys(row.row.base for row in result.rows if row.comparison):
        title = next(row.row.title for row in result.rows if row.row.name == base)
        yield _RATIOS.format(f"against {title}", "times its speed", "times less CPU")
        for row in result.rows:
            if row.comparison is not None and row.row.base == base:
                told = (_ratio(row.comparison.speed), _ratio(row.comparison.cpu))
                yield _RATIOS.format(row.row.title, *told)
    yield "Medians of the rounds, least and most in brackets; each round compares its own drains."


def _idle(idle: Idle) -> Iterator[str]:
    yield _IDLE.format("idle, from push to start", "p50 ms", "p95 ms", "trips")
    for row, trips in idle.trips.items():
        told = [f"{1_000 * seconds:.2f}" for seconds in (idle.p50(row), idle.p95(row))]
        yield _IDLE.format(_TITLES[row], *told, f"{trips:g}")
    each = ", ".join(f"{rate:.1f} with {queues}" for queues, rate in idle.commands.items())
    yield f"Commands a second of ours while nothing happens, by its queues: {each}."


def _settings(result: Result) -> Iterator[str]:
    sides = {row.row.name: row.settings for row in result.rows}
    different = differing(sides)
    same = {name: value for name, value in result.rows[0].settings.items() if name not in different}
    yield f"The same in every row: {_pairs(same)}"
    for name, side in sides.items():
        yield f"In row {name}: {_pairs({each: side[each] for each in different})}"
    changed = [
        f"{name} {here or 'none'} (default {default or 'none'})"
        for name, (default, here) in result.server_settings.items()
    ]
    yield f"CONFIG of the one server, where it differs from the program's own: {', '.join(changed)}"


def _verdicts(result: Result, judgements: Sequence[Judgement]) -> Iterator[str]:
    yield from _noise(result)
    for each in judgements:
        gate, least = each.gate, "at least" if each.gate.aim.at_least else "at most"
        yield (
            f"gate {gate.name} {least} {gate.limit:.3g}: {each.verdict}, "
            f"{_number(each.found)} {gate.aim.words}"
        )


def _noise(result: Result) -> Iterator[str]:
    if result.quiet is None:
        yield "Nobody knows how noisy the machine was: the base was not run again."
        return
    if result.noisy_runs:
        yield f"Runs that were too noisy, each as a whole: {result.noisy_runs}"
    for name, what in _MEASURES.items():
        if name not in result.quiet:
            yield (
                f"TOO NOISY: in {what}, the base against itself is not within {AA_LOW} and "
                f"{AA_HIGH}, so the ratios of {what} show nothing."
            )


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"  # noqa: PLR2004 - three digits


def _ratio(ratio: Ratio) -> str:
    return f"{_times(ratio.median)} ({_times(ratio.least)} to {_times(ratio.most)})"


def _times(value: float) -> str:
    return f"{value:.2f}" if value < 10 else f"{value:.0f}"  # noqa: PLR2004 - as far as it is exact


def _pairs(values: Mapping[str, object]) -> str:
    return ", ".join(f"{name} {_shown(value)}" for name, value in values.items()) or "nothing"


def _shown(value: object) -> str:
    if isinstance(value, list):
        return " ".join(map(str, value))
    return "none" if value is None else str(value)

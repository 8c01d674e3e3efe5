"""`python3 run bench`: the options, the output and the exit code."""

import argparse
import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import get_args

from benchmarks.arithmetic import Gate, GateName, Measures, Verdict, judged
from benchmarks.errors import InvalidRequest
from benchmarks.plan import BASE, FULL, OURS, QUICK, ROWS, Row
from benchmarks.rounds import Result, bench
from benchmarks.table import as_json, as_text
from messages import PostroomError

FAILED, REFUSED, NOISY = 1, 2, 3
INTERRUPTED = 130  # as a shell has it

_EPILOG = """\
Exit codes: 0, 1 if a gate failed, 2 if nothing could be measured, 3 if the machine was too noisy.
docs/benchmarks.md says what each figure is.
"""


def main(arguments: Sequence[str]) -> int:
    """Measure and print.

    Args:
        arguments: Of the command line.

    Returns:
        The exit code; see `--help`.
    """
    options = _parser().parse_args(arguments)
    try:
        gates = [gate_from(text) for text in options.gate]
        rows = rows_from(options.rows, gates)
        with tempfile.TemporaryDirectory(prefix="postroom-bench-") as folder:
            plan = QUICK if options.quick else FULL
            result = bench(plan, rows, Path(folder), needed=measures_of(gates))
    except PostroomError as error:
        sys.stderr.write(f"bench: {error}\n")
        return REFUSED
    except KeyboardInterrupt:  # all that was started has ended
        return INTERRUPTED
    verdicts = verdicts_of(gates, result)
    text = json.dumps(as_json(result, verdicts)) + "\n" if options.json else ""
    sys.stdout.write(text or as_text(result, verdicts))
    return exit_code(result, verdicts)


def gate_from(text: str) -> Gate:
    """Read one `--gate`.

    Args:
        text: Such as `cpu=60`.

    Raises:
        InvalidRequest: If there is no such gate, or its limit is not a positive number.
    """
    name, _, limit = text.partition("=")
    names: dict[str, GateName] = {name: name for name in get_args(GateName)}
    try:
        if name in names and 0 < float(limit) < float("inf"):
            return Gate(names[name], float(limit))
    except ValueError:
        pass
    raise InvalidRequest(
        f"{text!r} is not a gate.",
        field="--gate",
        remedy=f"Write one of {', '.join(names)}, = and a number, such as cpu=60.",
    )


def rows_from(text: str | None, gates: Sequence[Gate]) -> Sequence[Row]:
    """Read `--rows`.

    Args:
        text: Names joined by commas; None means all rows.
        gates: What shall be judged, which needs our row.

    Raises:
        InvalidRequest: If a row does not exist, or one that is needed is missing.
    """
    named = {row.name: row for row in ROWS}
    names = list(named) if text is None else text.split(",")
    if unknown := sorted(set(names) - set(named)):
        raise InvalidRequest(
            f"There is no row {unknown[0]!r}.",
            field="--rows",
            remedy=f"Name some of {','.join(named)}.",
        )
    bases = {named[name].base for name in names} - {""}
    if missing := {*bases, *([BASE, OURS] if gates else [])} - set(names):
        raise InvalidRequest(
            f"The row {min(missing)!r} is needed and not named.",
            field="--rows",
            remedy="Name it too, or leave out --rows.",
        )
    return [row for row in ROWS if row.name in names]


def verdicts_of(gates: Sequence[Gate], result: Result) -> Mapping[Gate, Verdict]:
    """Judge our worker.

    Args:
        gates: What it must reach.
        result: What was found.
    """
    ours = result.of(OURS)
    if ours is None or ours.comparison is None:
        return {}
    # Without the second base nobody knows how noisy it was, so ratios prove nothing either.
    quiet = result.quiet or ()
    return {gate: judged(gate, ours.comparison, ours.counts, quiet) for gate in gates}


def measures_of(gates: Sequence[Gate]) -> Measures:
    """What a run must be quiet enough for: CPU always, speed if it is judged.

    Args:
        gates: What will be judged.
    """
    if any(gate.name == "speed" for gate in gates):
        return ["cpu", "speed"]
    return ["cpu"]


def exit_code(result: Result, verdicts: Mapping[Gate, Verdict]) -> int:
    """What a script should know.

    Args:
        result: What was found.
        verdicts: Of each gate.

    Returns:
        0, 1 if a gate failed, 3 if CPU was too noisy or a gate could not be judged.
    """
    if "failed" in verdicts.values():
        return FAILED
    too_noisy = result.quiet is not None and "cpu" not in result.quiet
    return NOISY if too_noisy or "unknown" in verdicts.values() else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python3 run bench",
        description="Compares our worker with RQ's own, on one server that it starts itself.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--quick", action="store_true", help="under a minute instead of ten")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--rows", help=f"some of {','.join(row.name for row in ROWS)}")
    parser.add_argument(
        "--gate",
        action="append",
        default=[],
        metavar="NAME=LIMIT",
        help="cpu=60 and speed=60 (at least so many times SimpleWorker), round-trips=0.05 (at "
        "most so many a job); may be given several times",
    )
    return parser


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

"""`python3 run bench`: the options, the output and the exit code."""

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from benchmarks.errors import InvalidRequest
from benchmarks.gates import AIMS, ALL, Gate, Judgement, gates_from, judged, measures_of
from benchmarks.live import bench_live
from benchmarks.plan import BASE, FULL, IDLE, QUICK, ROWS, STREAM_ROWS, Row
from benchmarks.rounds import Result, bench
from benchmarks.table import as_json, as_text
from benchmarks.watched import bench_monitoring
from benchmarks.watching import bench_watching
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
    for name, other in _OTHERS.items():
        if getattr(options, name):
            return other(quick=options.quick, as_json=options.json)
    try:
        table = STREAM_ROWS if options.streams else ROWS
        gates = gates_from(options.gate, table)
        rows, with_idle = rows_from(options.rows, gates, table)
        with tempfile.TemporaryDirectory(prefix="postroom-bench-") as folder:
            plan = QUICK if options.quick else FULL
            needed = measures_of(gates)
            result = bench(plan, rows, Path(folder), needed=needed, with_idle=with_idle)
    except PostroomError as error:
        sys.stderr.write(f"bench: {error}\n")
        return REFUSED
    except KeyboardInterrupt:  # all that was started has ended
        return INTERRUPTED
    judgements = judged(gates, result)
    text = json.dumps(as_json(result, judgements)) + "\n" if options.json else ""
    sys.stdout.write(text or as_text(result, judgements))
    return exit_code(result, judgements)


def _bench_board(*, quick: bool, as_json: bool) -> int:
    from benchmarks.board import bench_board  # noqa: PLC0415 - it needs the driver of a browser

    return bench_board(quick=quick, as_json=as_json)


_OTHERS: Mapping[str, Callable[..., int]] = {
    "monitoring": bench_monitoring,
    "live": bench_live,
    "watching": bench_watching,
    "board": _bench_board,
}
"""The option for each bench that has no rows."""


def rows_from(
    text: str | None, gates: Sequence[Gate], table: Sequence[Row] = ROWS
) -> tuple[Sequence[Row], bool]:
    """Read `--rows`.

    Args:
        text: Names joined by commas; None means all rows but those that must be named.
        gates: What shall be judged, which needs its rows.
        table: The rows that there are; only beside those of queues idle workers are measured.

    Returns:
        The rows in the order of the table, and whether idle workers are measured.

    Raises:
        InvalidRequest: If a row does not exist, or one that is needed is missing.
    """
    named = {row.name: row for row in table}
    all_names = (*named, IDLE) if table is ROWS else (*named,)
    usual = [name for name in all_names if name == IDLE or not named[name].only_if_named]
    names = usual if text is None else text.split(",")
    if unknown := sorted(set(names) - set(all_names)):
        raise InvalidRequest(
            f"There is no row {unknown[0]!r}.",
            field="--rows",
            remedy=f"Name some of {','.join(all_names)}.",
        )
    bases = {BASE if name == IDLE else named[name].base for name in names} - {""}
    if missing := {*bases, *(row for gate in gates for row in gate.aim.rows)} - set(names):
        raise InvalidRequest(
            f"The row {min(missing)!r} is needed and not named.",
            field="--rows",
            remedy="Name it too, or leave out --rows.",
        )
    return [row for row in table if row.name in names], IDLE in names


def exit_code(result: Result, judgements: Sequence[Judgement]) -> int:
    """What a script should know.

    Args:
        result: What was found.
        judgements: Of each gate.

    Returns:
        0, 1 if a gate failed, 3 if CPU was too noisy or a gate could not be judged.
    """
    verdicts = {each.verdict for each in judgements}
    if "failed" in verdicts:
        return FAILED
    too_noisy = result.quiet is not None and "cpu" not in result.quiet
    return NOISY if too_noisy or "unknown" in verdicts else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python3 run bench",
        description="Compares our worker with RQ's own, on one server that it starts itself.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--quick", action="store_true", help="under a minute instead of ten")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--streams", action="store_true", help="the lane of streams, not queues")
    parser.add_argument(
        "--monitoring", action="store_true", help="the web process, with a million jobs there"
    )
    parser.add_argument(
        "--live", action="store_true", help="the web process, with fifty clients of a stream"
    )
    parser.add_argument(
        "--watching", action="store_true", help="our worker, with and without somebody who watches"
    )
    parser.add_argument("--board", action="store_true", help="the board's pages, in a browser")
    names, of_streams = (",".join(row.name for row in rows) for rows in (ROWS, STREAM_ROWS))
    parser.add_argument("--rows", help=f"some of {names},{IDLE}; with --streams of {of_streams}")
    parser.add_argument(
        "--gate",
        action="append",
        default=[],
        metavar="NAME[=LIMIT]",
        help=f"{ALL}, or one of {', '.join(AIMS)}, with its own limit or another one; may be given "
        "several times",
    )
    return parser


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

"""`python3 run drills`: the options, the table and the exit code."""

import argparse
import secrets
import shutil
import sys
import tempfile
import time
import traceback
from collections.abc import Sequence
from pathlib import Path

from postroom.errors import ServerUnavailable
from postroom.programs import bundled_server, version_of
from tests.drills.actions import play as play_actions
from tests.drills.company import FaultMissing, need_faketime
from tests.drills.plan import DRILLS, Drill
from tests.drills.result import Result, Run
from tests.drills.site import Site
from tests.faults.nursery import nursery

FAILED, REFUSED, INTERRUPTED = 1, 2, 130
BUNDLED = "valkey"

_EPILOG = """\
A drill makes a fault happen and then looks, outside Redis and in Redis, for what was lost, run too
often, booked twice or left over. It fails as well if its fault did not happen.
Exit codes: 0, 1 if a drill failed, 2 if this machine lacks something that a fault needs.
"""


def main(arguments: Sequence[str]) -> int:
    """Play the drills and print a row for each.

    Args:
        arguments: Of the command line.

    Returns:
        The exit code; see `--help`.
    """
    options = _parser().parse_args(arguments)
    if options.actions is not None:
        return play_actions(options.actions)
    names = options.only or [
        n for n, drill in DRILLS.items() if drill.has_canary or not options.canary
    ]
    try:
        if "clock" in names:
            need_faketime()
        program = _server(options.server)
        runs = _play(names, options.seed, program, canary=options.canary)
    except (FaultMissing, ServerUnavailable) as missing:
        sys.stderr.write(f"drills: {missing}\n")
        return REFUSED
    except KeyboardInterrupt:  # all that was started has ended
        return INTERRUPTED
    bad = [run.name for run in runs if not run.good]
    _say(f"{len(runs) - len(bad)} of {len(runs)} drills as they should be.")
    return FAILED if bad else 0


def _server(asked: str | None) -> Path | None:
    """The program that `--server` means; None: the one that is found."""
    if asked is None:
        return None
    program = bundled_server() if asked == BUNDLED else Path(shutil.which(asked) or asked)
    if program is None or not program.is_file() or not version_of(program):
        raise ServerUnavailable(
            f"--server {asked} is no server that could be started.",
            remedy=f"Name a redis-server or valkey-server, or {BUNDLED} for that of the extra.",
        )
    return program


def _play(
    names: Sequence[str], seed: int | None, program: Path | None, *, canary: bool
) -> list[Run]:
    runs = []
    folder = tempfile.mkdtemp(prefix="postroom-drills-")
    with nursery() as started:
        for name in names:
            chosen = seed if seed is not None else secrets.randbelow(100_000)
            _say(f"{name:10} seed {chosen} ...")
            site = Site(Path(folder) / name, started, chosen, program=program)
            runs.append(_run(name, DRILLS[name], site, canary=canary))
            _say(runs[-1].row())
    if all(run.good for run in runs):
        shutil.rmtree(folder)
    else:
        _say(f"Logs and ledgers of all drills are in {folder}.")
    return runs


def _run(name: str, drill: Drill, site: Site, *, canary: bool) -> Run:
    began = time.monotonic()
    try:
        result = drill.against_stock(site) if canary else drill.full(site)
    except Exception:  # noqa: BLE001 - a drill that cannot be played is red, and the next one goes on
        traceback.print_exc()
        result = Result({"unplayed": 1}, {"unplayed": 0})
    seconds = time.monotonic() - began
    return Run(name, site.seed, seconds, result, drill.verdict if canary else None)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python3 run drills",
        description="Kills, freezes and starves real workers, and a Redis of its own.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--canary", action="store_true", help="against stock RQ, where each must find its fault"
    )
    parser.add_argument(
        "--only", action="append", choices=list(DRILLS), metavar="NAME", help=", ".join(DRILLS)
    )
    parser.add_argument(
        "--server", metavar="PROGRAM", help=f"instead of the one on PATH; {BUNDLED}: the extra's"
    )
    parser.add_argument(
        "--actions",
        nargs="*",
        metavar="TEST",
        help="instead, let each action of the board do nothing, which a test must tell",
    )
    parser.add_argument("--seed", type=int, help="of all chance; without it each drill draws one")
    return parser


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

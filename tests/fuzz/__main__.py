"""`python3 run fuzz`: made-up requests to the HTTP API, by the thousand."""

import argparse
import logging
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from redis import Redis

from monitoring.web.identity import Role
from monitoring.web.settings import WebSettings
from postroom.embedded import redis_server
from tests.fuzz.data import fill
from tests.fuzz.requests import Fuzz, Report
from tests.monitoring.api.tokens import SECRET, token_of
from workers.loading import load_packages

FAILED = 1


def main(arguments: Sequence[str]) -> int:
    """Send them, and say what came of it.

    Args:
        arguments: Of the command line.

    Returns:
        The exit code: 1 if a request brought about what none may.
    """
    options = _parser().parse_args(arguments)
    with (
        tempfile.TemporaryDirectory() as folder,
        redis_server(Path(folder)) as server,
        Redis.from_url(server.url) as redis,
    ):
        report = play(redis, requests=options.requests, chance=options.seed)
    sys.stdout.write(f"seed {options.seed}: {report.words()}\n")
    return FAILED if report.faults or report.let_in < LET_IN else 0


LET_IN = 0.6
"""The share of requests that must be answered otherwise than by 401 or 403."""


def play(redis: Redis, *, requests: int, chance: int) -> Report:
    """Send made-up requests to an application of its own.

    Args:
        redis: Where the data are; emptied again and again.
        requests: How many at least, divided by all routes.
        chance: All chance depends on it.
    """
    logging.disable(logging.CRITICAL)
    from monitoring.web.app import create_app  # noqa: PLC0415 - it takes a second

    load_packages(["messages"], setting="MESSAGE_PACKAGES")
    web = WebSettings(postroom_secret=SECRET)
    app = create_app(connection=redis, settings=web)
    return Fuzz(app, token_of(Role.ADMIN, web), lambda: fill(redis), chance).send(requests)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python3 run fuzz", description="Made-up requests to the HTTP API, with data to find."
    )
    parser.add_argument("--requests", type=int, default=20_000, help="how many; default 20,000")
    parser.add_argument("--seed", type=int, default=1, help="of all chance; default 1")
    return parser


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

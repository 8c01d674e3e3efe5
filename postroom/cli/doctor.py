"""`postroom doctor`: what is wrong, or soon will be, and what to do about it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from textwrap import wrap
from typing import Annotated

import typer
from redis import Redis

from monitoring.doctor import Finding, examine
from postroom.columns import printable
from postroom.printing import answer
from workers.clock import utc_now
from workers.connection import connect
from workers.settings import load_settings

CRITICAL = 1

_WIDTH, _MARGIN = 100, 10


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Answer in JSON.")] = False,  # noqa: FBT002
) -> None:
    """Examine Redis, queues, workers and what handlers need; exit code 1 if it is critical."""
    # Loads SQLAlchemy, slowly, and `postroom --help` loads every module here.
    from postroom.probes import probes  # noqa: PLC0415

    with answer(as_json=as_json) as say:
        settings, tried = load_settings(), probes()
        with connect(settings) as connection:
            where = _place(connection)
            found = examine(connection=connection, settings=settings, now=utc_now(), probes=tried)
        say(
            {"redis": where, "findings": [asdict(finding) for finding in found]},
            _for_people(where, found),
        )
    if any(finding.severity == "critical" for finding in found):
        raise SystemExit(CRITICAL)


def _place(connection: Redis) -> str:
    # Of the settings only these: a URL may hold a password.
    told = connection.connection_pool.connection_kwargs
    if "path" in told:
        return str(told["path"])
    return f"{told['host']}:{told['port']}" if "host" in told else "the master of the Sentinels"


def _for_people(where: str, found: Sequence[Finding]) -> str:
    if not found:
        return f"Examined Redis at {where}. Nothing to report."
    counts = Counter(finding.severity for finding in found)
    told = ", ".join(f"{count} {severity}" for severity, count in counts.items())
    return "\n\n".join([f"Examined Redis at {where}: {told}.", *map(_block, found)])


def _block(finding: Finding) -> str:
    # The remedy is not wrapped: one copies it.
    margin = " " * _MARGIN
    what = wrap(
        printable(finding.what), _WIDTH - _MARGIN, break_long_words=False, break_on_hyphens=False
    )
    lines = [*what, f"Do: {printable(finding.remedy)}"]
    return finding.severity.upper().ljust(_MARGIN) + f"\n{margin}".join(lines)

"""The workers as the board shows them: what each runs and for how long, and what stands out."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import redis

from monitoring.answers import as_time
from monitoring.packing import answered, hash_fields
from monitoring.queues.stats import message_type_of
from workers import keys
from workers.connection import storage_errors
from workers.release import UNKNOWN, release_name
from workers.settings import Settings

JsonDict = dict[str, Any]

_NEARLY = 80.0  # percent of its limit from which memory is shown in amber
_FULL = 95.0
_LATELY = timedelta(minutes=15)  # a child that died before that is no news
_FIELDS = ("description", "started_at")


@dataclass(frozen=True)
class Run:
    """A job in a worker's hands.

    Args:
        job_id: Its id.
        kind: Its message type; empty if that is not known, as of entries of streams.
        began: When its run began; None if that is not known.
    """

    job_id: str
    kind: str = ""
    began: datetime | None = None


@dataclass(frozen=True)
class Hand:
    """A worker, or a consumer of streams.

    Args:
        told: Its row, as `get_workers` tells it.
        runs: What it runs, the longest first, as far as its row names it.
        now: The time.
        limit_mb: How much memory its child may have, by the settings of this process; None
            without a limit.
        newest: The newest release; empty if none is known.
    """

    told: Mapping[str, Any]
    runs: Sequence[Run]
    now: datetime
    limit_mb: float | None = None
    newest: str = ""

    @property
    def key(self) -> str:
        """Names it on the page."""
        return f"{self.told['lane']} {self.told['name']} {self.told['group'] or ''}".rstrip()

    @property
    def is_dead(self) -> bool:
        """Whether it shows no life any more."""
        return bool(self.told["state"] == "dead")

    @property
    def seen(self) -> datetime | None:
        """When it showed life last; None if that is not known."""
        return self._before(self.told["secondsSinceHeartbeat"])

    @property
    def cpu(self) -> float | None:
        """How much of one core it had since it started, in percent; None if it does not tell."""
        spent, started = self.told["cpuSeconds"], self.told["startedAt"]
        if spent is None or started is None:
            return None
        lived = (self.now - datetime.fromisoformat(started)).total_seconds()
        return float(100 * spent / lived) if lived >= 1 else None

    @property
    def memory_share(self) -> float | None:
        """How much of its limit it uses, in percent; None without a limit."""
        used = self.told["memoryMb"]
        return None if used is None or not self.limit_mb else float(100 * used / self.limit_mb)

    @property
    def memory_look(self) -> str:
        """How its memory is shown: `bad` near the limit, `warn` on the way there, else empty."""
        share = self.memory_share or 0.0
        return "bad" if share >= _FULL else "warn" if share >= _NEARLY else ""

    @property
    def slots_share(self) -> float:
        """How much of its slots is taken, in percent."""
        return 100.0 * self.busy / (self.told["slots"] or 1)

    @property
    def busy(self) -> int:
        """How many of its slots are taken; what it has in hand may be newer than what it tells."""
        has = max(self.told["running"] or 0, self.told["pending"] or 0)
        return int(min(has, self.told["slots"] or 0))

    @property
    def is_old(self) -> bool:
        """Whether it runs another release than the newest."""
        version = self.told["codeVersion"]
        known = version and version != UNKNOWN and self.newest
        return bool(known and release_name(version) != self.newest)

    @property
    def child_death(self) -> Mapping[str, Any] | None:
        """How its child died, if that was lately."""
        death: Mapping[str, Any] | None = self.told["childDeath"]
        if death is None or self.now - datetime.fromisoformat(death["at"]) > _LATELY:
            return None
        return death

    @property
    def serves(self) -> str:
        """The queues or the patterns of streams that it serves."""
        return ", ".join(self.told["queues"] or self.told["patterns"])

    @property
    def further(self) -> int:
        """How many it runs beside the first that is named."""
        return max(0, (self.told["running"] or 0) - 1)

    def _before(self, seconds: float | None) -> datetime | None:
        return None if seconds is None else self.now - timedelta(seconds=seconds)


def hands_of(
    rows: Iterable[Mapping[str, Any]],
    *,
    now: datetime,
    newest: str,
    settings: Settings,
    connection: redis.Redis,
) -> Sequence[Hand]:
    """Workers with what they run, in one round trip.

    Args:
        rows: As `get_workers` tells them.
        now: The server's time.
        newest: The newest release; empty if none is known.
        settings: The limits.
        connection: Where.
    """
    rows = list(rows)
    runs = _runs({job_id for row in rows for job_id in row["jobs"]}, connection)
    limit = settings.job_memory_limit_mb or settings.memory_limit_mb
    return [
        Hand(row, _longest_first(runs[each] for each in row["jobs"]), now, limit, newest)
        for row in rows
    ]


def _runs(job_ids: Iterable[str], connection: redis.Redis) -> Mapping[str, Run]:
    asked = list(job_ids)
    if not asked:
        return {}
    with storage_errors():
        records = answered(connection, hash_fields(keys.job_prefix(), asked, _FIELDS))
    return {
        job_id: Run(job_id, message_type_of(description) or "", as_time(began))
        for job_id, (description, began) in zip(asked, records, strict=True)
    }


def _longest_first(runs: Iterable[Run]) -> Sequence[Run]:
    return sorted(runs, key=lambda each: each.began.timestamp() if each.began else float("inf"))

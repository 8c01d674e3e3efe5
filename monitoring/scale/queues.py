"""How many workers each queue should have, for autoscalers.

It leaves a sample of the depths, which is monitoring's own, and otherwise only reads.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import redis

from monitoring.explain.facts import QueueFacts
from monitoring.explain.queue_facts import read_queue_facts
from monitoring.numbers.depths import record_depths
from monitoring.numbers.forecast import Forecast, desired_workers
from monitoring.queues.look import take_look
from monitoring.scale.settings import ScaleSettings, scale_settings
from workers.clock import shown_time
from workers.connection import default_connection, storage_errors
from workers.settings import load_settings

JsonDict = dict[str, Any]


@dataclass(frozen=True)
class Scale:
    """What one queue needs.

    Args:
        queue: Its name.
        desired_workers: How many workers would drain it in time.
        oldest_seconds: How long its oldest job has waited; 0 if none waits.
        forecast: What that is made of.
    """

    queue: str
    desired_workers: int
    oldest_seconds: float
    forecast: Forecast


@dataclass(frozen=True)
class Scales:
    """What all queues need.

    Args:
        now: The server's time.
        queues: By name.
    """

    now: datetime
    queues: Mapping[str, Scale]

    def as_json(self) -> JsonDict:
        """What `GET /scale` tells, for KEDA's metrics-api scaler and for people.

        Returns:
            `timestamp`; `desired_workers` of all queues together; and `queues`, by name:
            `desired_workers`, `workers` (those that listen and live), `waiting`,
            `oldest_waiting_seconds`, `done_per_minute`, `arrives_per_minute`, `grows_per_minute`
            (None until it was watched for 10 s) and `drains_in_seconds` (None if it does not
            drain). With KEDA, `valueLocation: queues.email.desired_workers` and `targetValue: "1"`;
            in the name of a queue, a backslash goes before each dot.
        """
        return {
            "timestamp": shown_time(self.now),
            "desired_workers": sum(each.desired_workers for each in self.queues.values()),
            "queues": {name: _shown(each) for name, each in self.queues.items()},
        }


def read_scale(
    *,
    connection: redis.Redis | None = None,
    watching: redis.Redis | None = None,
    now: datetime | None = None,
) -> Scales:
    """How many workers each queue should have.

    Args:
        connection: Where; None means the server that the settings name.
        watching: Where to leave the sample, if `connection` is a replica; None means there, too.
        now: The server's time; None asks the server.

    Raises:
        StorageUnavailable: If Redis does not answer.
    """
    connection = connection or default_connection()
    with storage_errors():
        look = take_look(connection=connection, settings=load_settings(), now=now)
        record_depths(look.snapshot, connection=watching or connection)
        facts = read_queue_facts(look.snapshot.queues, look)
    settings = scale_settings()
    return Scales(look.now, {name: scale_of(each, settings) for name, each in facts.items()})


def scale_of(facts: QueueFacts, settings: ScaleSettings) -> Scale:
    """How many workers one queue should have.

    Args:
        facts: The queue. One that somebody has paused needs those that it has.
        settings: In which time it is to be drained, and how many workers there may be.
    """
    forecast = facts.forecast or Forecast(facts.counts.waiting, len(facts.workers), 0.0)
    if facts.is_held_up:
        desired = min(len(facts.workers), settings.scale_most_workers)
    else:
        desired = desired_workers(
            forecast,
            run_seconds=facts.average_ms / 1000 if facts.average_ms else None,
            within=timedelta(seconds=settings.scale_drain_seconds),
            most=settings.scale_most_workers,
        )
    return Scale(facts.name, desired, facts.oldest_seconds or 0.0, forecast)


def _shown(scale: Scale) -> JsonDict:
    forecast = scale.forecast
    grows, drains = forecast.grows_per_minute, forecast.drains_in
    return {
        "desired_workers": scale.desired_workers,
        "workers": forecast.workers,
        "waiting": forecast.waiting,
        "oldest_waiting_seconds": round(scale.oldest_seconds, 3),
        "done_per_minute": round(forecast.done_per_minute, 1),
        "arrives_per_minute": round(forecast.arrives_per_minute, 1),
        "grows_per_minute": None if grows is None else round(grows, 1) + 0.0,  # never -0.0
        "drains_in_seconds": None if drains is None else round(drains.total_seconds(), 1),
    }

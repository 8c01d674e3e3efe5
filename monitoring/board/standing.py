"""How things stand: what every page of the board shows around its own. Read once for all."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import redis

from monitoring.alerts import get_alerts
from monitoring.alerts.rule import Rule
from monitoring.board.needs import Need, needs_of
from monitoring.explain.facts import QueueFacts
from monitoring.explain.queue_facts import read_queue_facts
from monitoring.failures import get_failure_groups
from monitoring.numbers.deploys import get_deploys
from monitoring.queues.look import Look, take_look
from monitoring.redis_server import get_redis
from workers.connection import storage_errors
from workers.settings import Settings

JsonDict = dict[str, Any]


@dataclass(frozen=True)
class Standing:
    """How things stand.

    Args:
        look: All queues and workers.
        queues: What is known of each queue, by name.
        needs: What needs a person, the worst first.
        redis: What the server tells of itself.
        deploy: The newest release; None if none is known.
        open_groups: How many failure groups are open; 50 for that many or more.
        stuck: What `get_stuck_jobs` returns; up to half a minute old.
        consumers: How many consumers of streams there are, the dead included; as old as that.
    """

    look: Look
    queues: Mapping[str, QueueFacts]
    needs: Sequence[Need]
    redis: JsonDict
    deploy: JsonDict | None
    open_groups: int
    stuck: Sequence[JsonDict] = ()
    consumers: int = 0

    @property
    def workers(self) -> int:
        """How many workers of queues and consumers of streams there are."""
        return len(self.look.snapshot.workers) + self.consumers

    @property
    def now(self) -> datetime:
        """When, by the server's clock."""
        return self.look.now


def read_standing(  # noqa: PLR0913 - what is read elsewhere is given
    *,
    connection: redis.Redis,
    settings: Settings,
    rules: Sequence[Rule],
    root: str,
    stuck: Sequence[JsonDict] = (),
    consumers: int = 0,
) -> Standing:
    """Look at everything, in some twenty round trips.

    Args:
        connection: Where.
        settings: Which queues are ours, and the limits.
        rules: Of the alerts in force.
        root: What stands in front of the paths of pages.
        stuck: What was found stuck lately.
        consumers: How many consumers of streams there were lately.

    Raises:
        StorageUnavailable: If Redis does not answer.
    """
    with storage_errors():
        look = take_look(connection=connection, settings=settings)
        facts = read_queue_facts(look.snapshot.queues, look)
    alerts = get_alerts(connection=connection, rules=rules)
    deploys = get_deploys(connection=connection)
    count = len(look.snapshot.workers) + consumers
    groups = get_failure_groups(state="open", limit=50, connection=connection)["groups"]
    return Standing(
        look=look,
        queues=facts,
        needs=needs_of(facts, alerts, root, stuck=stuck, workers=count),
        redis=get_redis(connection=connection),
        deploy=deploys[-1] if deploys else None,
        open_groups=len(groups),
        stuck=stuck,
        consumers=consumers,
    )

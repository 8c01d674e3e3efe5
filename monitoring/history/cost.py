"""What the past costs in Redis, kind by kind, and what other settings would save. Only reads."""

from typing import Any

import redis

from messages.base import registered_types
from monitoring.answers import as_text, server_time, shown_time
from monitoring.history.bucket_keys import buckets
from monitoring.history.capped import capped
from monitoring.history.dead_letters import dead_letters, failure_groups
from monitoring.history.ended_jobs import ended_jobs
from monitoring.history.kinds import JsonDict
from monitoring.history.proposals import told_savings
from monitoring.history.rounds import read_together
from monitoring.history.search_index import search_index
from monitoring.history.stream_entries import stream_entries
from monitoring.jobs.listing import queues_of
from monitoring.queues.snapshot import queue_lists
from workers import keys, stream_keys
from workers.connection import default_connection, storage_errors
from workers.settings import Settings, load_settings
from workers.streams.naming import Naming

_MOST_STREAMS = 200  # whose names tell the families


def get_history_cost(
    *, connection: redis.Redis | None = None, settings: Settings | None = None
) -> JsonDict:
    """What each kind of history takes in Redis, from a sample of its keys.

    Args:
        connection: Where; None means the server that the settings name. Its user needs the command
            MEMORY USAGE.
        settings: How much is kept, as workers have it; None means those of this process.

    Returns:
        `timestamp`; `usedBytes`, what the server uses in all; `historyBytes`, the sum of the kinds;
        and

        - `kinds`: each with `kind`, `entries`, `bytes`, `measuredKeys` (how many keys were asked
          for their size), `sampled` (which of these figures are estimates from a sample),
          `settings` that say how much is kept, with their values, and `limit`, in words, where no
          setting says it. Sizes are approximate: of a collection Redis looks at 5 entries.
        - `savings`: what another value would save now, the most first, each with `setting`,
          `value`, `instead`, `bytes` and `says`, a sentence. Approximate; jobs whose sender chose
          another time count like the others.

        It takes 4 round trips, and no more where there is more to measure.

    Raises:
        StorageUnavailable: If Redis does not answer.
    """
    connection = connection or default_connection()
    settings = settings or load_settings()
    with storage_errors():
        with connection.pipeline(transaction=False) as pipe:
            pipe.time()
            pipe.info("memory")
            pipe.smembers(keys.queues())
            pipe.srandmember(stream_keys.streams(), _MOST_STREAMS)
            clock, memory, used, streams = pipe.execute()
        now, queues = server_time(clock), queues_of(used)
        names = [*queues, *_families(streams, settings)]
        found = read_together(
            [
                ended_jobs([name for queue in queues for name in queue_lists(queue)], settings),
                dead_letters(settings, now),
                failure_groups(),
                search_index(registered_types(), settings),
                *(buckets(resolution, names, now) for resolution in ("m", "h", "d")),
                capped(names),
                stream_entries(settings),
            ],
            connection,
        )
    values = {name.upper(): value for name, value in settings.model_dump().items()}
    kinds = [kind for each in found for kind in each.kinds]
    return {
        "timestamp": shown_time(now),
        "usedBytes": memory.get("used_memory"),
        "historyBytes": sum(kind.bytes for kind in kinds),
        "kinds": [kind.told(values) for kind in kinds],
        "savings": told_savings([saving for each in found for saving in each.savings], values),
    }


def _families(streams: Any, settings: Settings) -> list[str]:
    naming = Naming(settings.stream_template)
    return sorted({naming.read(as_text(name)).family for name in streams})

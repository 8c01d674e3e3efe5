"""From what was found to families of metrics, under the names that Prometheus shows. Pure.

Names are part of what users build on: dashboards and alert rules name them.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric

from monitoring.prometheus.gauges import Gauges, gauge
from monitoring.prometheus.labels import Seats
from monitoring.prometheus.queues import Pauses, Queues
from monitoring.prometheus.server import Server
from monitoring.prometheus.streams import Streams
from monitoring.prometheus.totals import BOUNDARIES, Totals
from monitoring.prometheus.workers import Staff

_QUEUES = {
    "queue_waiting": "Jobs that wait for a worker.",
    "queue_active": "Jobs in the hands of a worker, or on their way to one.",
    "queue_delayed": "Jobs that are due later.",
    "queue_deferred": "Jobs that wait for other jobs.",
    "queue_failed": "Failed jobs that are still on record.",
    "queue_held": "Jobs that a pause of a type or tenant holds back.",
    "queue_oldest_waiting_seconds": "For how long the oldest job has been waiting; 0 if none is.",
    "queue_paused": "1 if the whole queue is paused.",
    "queue_workers": "Workers that take jobs from the queue.",
}
_STREAMS = {
    "streams": "Streams of a name, those of all tenants.",
    "stream_length": "Entries, done or not.",
    "stream_fullest_ratio": "The longest stream as a share of STREAM_LIMIT.",
    "stream_waiting": "Entries that some group has not got yet; all, where no group reads.",
}
_GROUPS = {
    "stream_pending": "Entries in the hands of a group's consumers.",
    "stream_lag": "Entries that were not delivered to a group, as far as Redis knows.",
    "stream_oldest_pending_seconds": "The age of the oldest entry in the hands of a group.",
}
_CONSUMERS = {
    "stream_consumers": "Consumers of a group that show signs of life.",
    "stream_dead_consumers": "Consumers that show none any more, and may have left entries.",
}
_TIMES = {
    "run": "How long attempts ran that finished, failed or are tried again.",
    "wait": "How long their jobs had waited before.",
}


def of_queues(queues: Queues, pauses: Pauses, staff: Staff, seats: Seats) -> Iterator[Metric]:
    """The families of queues; those without a label of their own are summed up.

    Args:
        queues: Those that were looked at.
        pauses: What is paused.
        staff: Who works on them.
        seats: Which queues have a label.
    """
    found = Gauges(["queue"], _QUEUES, greatest=["queue_oldest_waiting_seconds", "queue_paused"])
    for name, queue in queues.by_name.items():
        found.put(
            seats.of(name),
            queue_oldest_waiting_seconds=queue.oldest,
            queue_held=pauses.held.get(name, 0),
            queue_paused=name in pauses.queues,
            queue_workers=staff.listening.get(name, 0),
            **{f"queue_{place}": count for place, count in queue.places._asdict().items()},
        )
    yield from found.families()
    about = "Queues that were not looked at, because there are too many."
    yield gauge("queues_left_out", about, queues.left_out)


def of_workers(staff: Staff) -> Iterator[Metric]:
    """The families of workers.

    Args:
        staff: Those that live.
    """
    found = Gauges(["state"], {"workers": "Workers of queues that live, by what they do."})
    for state, count in staff.states.items():
        found.put(state, workers=count)
    yield from found.families()
    yield gauge("suspended", "1 if all workers are told to start nothing.", staff.is_suspended)


def of_streams(streams: Streams, seats: Seats, limit: int) -> Iterator[Metric]:
    """The families of streams. A label is the name without the tenant.

    Args:
        streams: By family.
        seats: Which families have a label.
        limit: The setting STREAM_LIMIT.
    """
    found = Gauges(["stream"], _STREAMS, greatest=["stream_fullest_ratio"])
    of_groups = Gauges(["stream", "group"], _GROUPS, greatest=["stream_oldest_pending_seconds"])
    for name, family in streams.families.items():
        label = seats.of(name)
        found.put(
            label,
            streams=family.streams,
            stream_length=family.length,
            stream_fullest_ratio=family.longest / limit,
            stream_waiting=family.waiting,
        )
        for group_name, group in family.groups.items():
            of_groups.put(
                label,
                group_name,
                stream_pending=group.pending,
                stream_lag=group.lag,
                stream_oldest_pending_seconds=group.oldest,
            )
    yield from found.families()
    yield from of_groups.families()
    yield from _of_consumers(streams)


def of_server(server: Server) -> Iterator[Metric]:
    """The families of the server.

    Args:
        server: What it tells.
    """
    if server.used_bytes is not None:
        yield gauge("redis_memory_used_bytes", "Memory that Redis uses.", server.used_bytes)
        about = "Memory that Redis may use; 0 if nobody set a limit."
        yield gauge("redis_memory_max_bytes", about, server.most_bytes)
    if server.clients is not None:
        yield gauge("redis_clients", "Connections to Redis.", server.clients)
    yield gauge("dead_letters", "Dead letters.", server.letters)
    about = "Dead letters whose text stands in the spill file only."
    yield gauge("dead_letters_spilled", about, server.spilled)
    yield gauge("stream_delayed", "Entries of streams that are due later.", server.delayed_entries)


def of_alerts(alerts: Mapping[str, int], seats: Seats) -> Iterator[Metric]:
    """The family of alerts; a rule that does not fire has no series.

    Args:
        alerts: For how many queues, types or streams each rule fires.
        seats: Which rules have a label.
    """
    found = Gauges(["rule"], {"alerts": "Queues, types or streams that a rule of ours fires for."})
    for rule, count in alerts.items():
        found.put(seats.of(rule), alerts=count)
    return found.families()


def of_totals(totals: Totals) -> Iterator[Metric]:
    """The counters and histograms.

    Args:
        totals: All that ended.
    """
    jobs = CounterMetricFamily(
        "postroom_jobs", "Runs that ended, by outcome.", labels=["queue", "type", "outcome"]
    )
    for name, count in totals.jobs.items():
        jobs.add_metric(name, count)
    yield jobs
    for what, about in _TIMES.items():
        times = HistogramMetricFamily(f"postroom_job_{what}_seconds", about, labels=["type"])
        for (which, kind), spread in totals.times.items():
            if which == what:
                times.add_metric([kind], _buckets(spread.counts), spread.sum_us / 1_000_000)
        yield times


def of_labels(*seats: tuple[str, Seats]) -> Iterator[Metric]:
    """How many values share the label `other`.

    Args:
        seats: The name of the label, and who has one; of several for a label the most counts.
    """
    about = "Values of a label that came too late for one of their own, and are other."
    found = Gauges(["label"], {"label_values_folded": about}, greatest=["label_values_folded"])
    for name, each in seats:
        found.put(name, label_values_folded=each.folded)
    return found.families()


def _of_consumers(streams: Streams) -> Iterator[Metric]:
    found = Gauges(["group"], _CONSUMERS)
    for name, alive in streams.consumers.items():
        dead = streams.dead_consumers.get(name, 0)
        found.put(name, stream_consumers=alive, stream_dead_consumers=dead)
    yield from found.families()
    about = "Streams that were not looked at, because there are too many."
    yield gauge("streams_left_out", about, streams.left_out)


def _buckets(counts: Iterable[int]) -> Sequence[tuple[str, float]]:
    names = [*map(str, BOUNDARIES), "+Inf"]
    return list(zip(names, map(float, accumulate(counts)), strict=True))

"""Why it is so: the explanation of the queues and streams that an alert is about. Only reads."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

import redis

from monitoring.alerts.evaluation import Event
from monitoring.alerts.metrics import METRICS
from monitoring.explain.explanations import Explanation, explain_queue, explain_stream
from monitoring.explain.queue_facts import read_queue_facts
from monitoring.explain.stream_facts import read_stream_facts
from monitoring.queues.look import Look, take_look
from workers.connection import storage_errors
from workers.logger import get_logger
from workers.redaction import redacted
from workers.settings import Settings

log = get_logger("postroom.alerts")

_MOST_QUEUES, _MOST_STREAMS = 20, 5  # in one look; queues are read together, streams are not
_MOST_SENTENCES, _MOST_COMMANDS = 3, 3


@dataclass(frozen=True)
class Cause:
    """Why something is wrong.

    Args:
        sentences: The cause first.
        commands: What helps.
    """

    sentences: Sequence[str]
    commands: Sequence[str]


Causes = Mapping[tuple[str, str], Cause]
"""By what it is, `queue` or `stream`, and its name."""


def read_causes(events: Iterable[Event], *, connection: redis.Redis, settings: Settings) -> Causes:
    """Explain what alerts that begin are about, in some twenty round trips; none if none begins.

    Args:
        events: Of one look.
        connection: Where.
        settings: The engine's.

    Returns:
        The causes that are known. If they cannot be read, none: the alert goes out without.
    """
    begun = [event for event in events if event.kind == "fired"]
    queues = list(islice(_scopes(begun, "queue"), _MOST_QUEUES))
    streams = list(islice(_scopes(begun, "stream"), _MOST_STREAMS))
    if not queues and not streams:
        return {}
    try:
        with storage_errors():
            look = take_look(connection=connection, settings=settings)
            return {**_of_queues(queues, look), **_of_streams(streams, look)}
    except Exception:  # an explanation is a help: without one people are told all the same
        log.exception("alert_not_explained")
        return {}


def _scopes(events: Iterable[Event], about: str) -> Iterable[str]:
    wanted = (event for event in events if METRICS[event.rule.metric].about == about)
    return dict.fromkeys(event.alert.scope for event in wanted)


def _of_queues(names: Sequence[str], look: Look) -> Causes:
    facts = read_queue_facts(names, look) if names else {}
    told = {("queue", name): explain_queue(each) for name, each in facts.items()}
    return {key: _cause(each) for key, each in told.items() if each.findings}


def _of_streams(names: Sequence[str], look: Look) -> Causes:
    facts = [(name, read_stream_facts(name, look)) for name in names]
    told = {("stream", name): explain_stream(each) for name, each in facts if each is not None}
    return {key: _cause(each) for key, each in told.items() if each.findings}


def _cause(explanation: Explanation) -> Cause:
    # A sentence may quote an error, and channels lead out of the house.
    sentences = [redacted(each) for each in explanation.sentences[:_MOST_SENTENCES]]
    return Cause(sentences, explanation.do[:_MOST_COMMANDS])

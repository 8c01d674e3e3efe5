"""What happens to messages on their way out: their cause, the middleware, and chunks of many."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import islice

from messages import Message, PostroomError
from workers.context import current_message
from workers.errors import BatchInvalid
from workers.options import EnqueueOptions
from workers.plan import JobPlan, plan_for
from workers.record import JobRecord, check_is_message, job_record, record_of
from workers.registry import enqueue_middleware
from workers.routing import queue_for
from workers.settings import Settings
from workers.tracing import traced

CHUNK = 1_000
"""Messages that `enqueue_many` holds and writes at a time."""


def outgoing(message: Message, options: EnqueueOptions) -> tuple[Message, EnqueueOptions]:
    """A message as it leaves: with the message whose handler sends it, and after middleware.

    Args:
        message: What the caller sends.
        options: What the caller said.

    Returns:
        Both, changed or not.
    """
    cause = current_message()
    if cause is not None:
        message = message.caused_by(cause)
    for middleware in enqueue_middleware():
        message, options = middleware(message, options)
    return message, options


def chunks(
    messages: Iterable[Message],
    options: EnqueueOptions,
    settings: Settings,
    enqueued: Callable[[], Sequence[str]],
) -> Iterator[Sequence[JobRecord]]:
    """Lay out the jobs of many messages with the same options.

    Args:
        messages: Any iterable; a chunk of it is taken at a time.
        options: Of every message.
        settings: Defaults and routes.
        enqueued: Gives the ids that are stored so far.

    Yields:
        Up to 1,000 records.

    Raises:
        BatchInvalid: If a message or its options cannot be used.
    """
    source = iter(traced(messages, settings, partial(_queue, options, settings)))
    record = _same_for_all(options, settings)
    index = 0
    while True:
        records: list[JobRecord] = []
        try:
            for message in islice(source, CHUNK):
                records.append(record(message))  # noqa: PERF401 - on an error its length is the index
        except PostroomError as error:
            raise BatchInvalid(
                error, index=index + len(records), enqueued=list(enqueued())
            ) from error
        if not records:
            return
        yield records
        index += len(records)


def queue_of_message(message: Message, options: EnqueueOptions, settings: Settings) -> str:
    """The queue that a message is meant for, as far as no middleware has other plans.

    Args:
        message: The message.
        options: What the caller said.
        settings: The routes.

    Raises:
        InvalidOption: If it is no message, or there is no such queue.
    """
    check_is_message(message)
    return queue_for(message, settings.queue_routes, asked=options.get("queue"))


def _queue(options: EnqueueOptions, settings: Settings, message: Message) -> str:
    return queue_of_message(message, options, settings)


def _same_for_all(options: EnqueueOptions, settings: Settings) -> Callable[[Message], JobRecord]:
    plans: dict[object, JobPlan] = {}

    def changed(message: Message) -> JobRecord:
        message, own = outgoing(message, options)
        return job_record(message, own, settings=settings)

    def unchanged(message: Message) -> JobRecord:
        check_is_message(message)
        kind = (message.__class__, message.message_type, message.tenant)
        plan = plans.get(kind)
        if plan is None:
            plan = plans[kind] = plan_for(message, options, settings=settings)
        return record_of(message, plan)

    is_changed = current_message() is not None or enqueue_middleware()
    return changed if is_changed else unchanged

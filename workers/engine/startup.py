"""What a worker checks and loads before it takes its first job."""

import re
from collections.abc import Sequence

from messages import Message, message_types
from workers.errors import HandlerNotFound
from workers.jobs import load_application
from workers.logs import configure_logs
from workers.registry import handlers
from workers.settings import Settings
from workers.tracing import check_tracing


def prepare(queues: Sequence[str], settings: Settings) -> None:
    """Load the application and refuse to start half a worker.

    Args:
        queues: The queues it will serve.
        settings: Which packages to load, how to log.

    Raises:
        HandlerNotFound: If a message type that is sent to one of the queues has no handler.
        DuplicateHandler: If a type has two.
        SettingInvalid: If messages are to be traced and the packages for it are missing.
    """
    check_tracing(settings)
    configure_logs(settings)
    load_application()
    check_handlers(queues, settings)


def check_handlers(queues: Sequence[str], settings: Settings) -> None:
    """Refuse queues that this process cannot serve.

    Args:
        queues: The queues.
        settings: The routes.

    Raises:
        HandlerNotFound: Naming every type that goes to one of the queues and has no handler.
    """
    handled = {handler.message for handler in handlers()}
    missing = [
        f"{kind} (queue {queue})"
        for kind, cls in message_types().items()
        if cls not in handled
        for queue in queues
        if _leads_to(queue, kind, cls, settings)
    ]
    if missing:
        raise HandlerNotFound(f"This worker has no handler for {', '.join(missing)}.")


def _leads_to(queue: str, kind: str, cls: type[Message], settings: Settings) -> bool:
    rules = {name: to for name, to in settings.queue_routes.items() if name.split(":")[0] == kind}
    targets = [*rules.values()] if kind in rules else [*rules.values(), cls.queue]
    return any(_fits(queue, target) for target in targets)


def _fits(queue: str, target: str) -> bool:
    pattern = ".+".join(re.escape(part) for part in target.split("{tenant}"))
    return re.fullmatch(pattern, queue) is not None

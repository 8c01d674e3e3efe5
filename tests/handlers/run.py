"""Runs the registered handler of a message, as a worker would."""

from collections.abc import Callable
from typing import Any

import structlog

from messages import Message
from workers import Context, Progress
from workers.loading import load_packages
from workers.registry import handler_for

load_packages(["handlers"])


def run_message(message: Message, report: Callable[[Progress], None] = lambda _: None) -> Any:
    """Call the handler; returns what it returns, raises what it raises."""
    handler = handler_for(type(message))
    context = Context(
        job_id=message.message_id,
        queue=message.queue,
        attempt=1,
        max_attempts=3,
        log=structlog.get_logger(),
        report=report,
    )
    arguments = (message, context) if handler.wants_context else (message,)
    return handler.function(*arguments)

"""The engine: send messages, register handlers, run workers."""

from workers.audit import By
from workers.clearing import clear
from workers.clock import Clock, utc_now
from workers.context import Context, Progress
from workers.dead_letters import DeadLetter
from workers.dispatcher import Completed, Dead, Outcome, RetryAfter, dispatch
from workers.engine.worker import MessageWorker
from workers.errors import (
    BatchInvalid,
    DuplicateHandler,
    HandlerError,
    HandlerNotFound,
    InvalidOption,
    InvalidState,
    JobFailed,
    JobNotFound,
    JobStopped,
    PermanentError,
    RecordDamaged,
    ResourceUnavailable,
    ResultUnreadable,
    StorageRefused,
    StorageUnavailable,
    StreamFull,
    TransientError,
    WaitTimeout,
)
from workers.handle import JobHandle
from workers.operations import cancel, promote, stop
from workers.options import Backoff, EnqueueOptions, Keep
from workers.pauses import pause, resume
from workers.producer import (
    aenqueue,
    aenqueue_at,
    aenqueue_in,
    aenqueue_many,
    enqueue,
    enqueue_at,
    enqueue_in,
    enqueue_many,
)
from workers.registry import around_enqueue, around_execution, handles, on, on_dead
from workers.retry import RetryPolicy, Tier
from workers.routing import Priority
from workers.senders import (
    send_activity_schema,
    send_data_sync,
    send_email,
    send_note_enrichment,
    send_notification,
    send_test,
    send_user_action,
    send_workout_update,
)
from workers.settings import Settings, load_settings
from workers.streams.adding import Published
from workers.streams.addressing import PublishOptions
from workers.streams.publishing import apublish, apublish_many, publish, publish_many
from workers.successors import retry_job

__all__ = [
    "Backoff",
    "BatchInvalid",
    "By",
    "Clock",
    "Completed",
    "Context",
    "Dead",
    "DeadLetter",
    "DuplicateHandler",
    "EnqueueOptions",
    "HandlerError",
    "HandlerNotFound",
    "InvalidOption",
    "InvalidState",
    "JobFailed",
    "JobHandle",
    "JobNotFound",
    "JobStopped",
    "Keep",
    "MessageWorker",
    "Outcome",
    "PermanentError",
    "Priority",
    "Progress",
    "PublishOptions",
    "Published",
    "RecordDamaged",
    "ResourceUnavailable",
    "ResultUnreadable",
    "RetryAfter",
    "RetryPolicy",
    "Settings",
    "StorageRefused",
    "StorageUnavailable",
    "StreamFull",
    "Tier",
    "TransientError",
    "WaitTimeout",
    "aenqueue",
    "aenqueue_at",
    "aenqueue_in",
    "aenqueue_many",
    "apublish",
    "apublish_many",
    "around_enqueue",
    "around_execution",
    "cancel",
    "clear",
    "dispatch",
    "enqueue",
    "enqueue_at",
    "enqueue_in",
    "enqueue_many",
    "handles",
    "load_settings",
    "on",
    "on_dead",
    "pause",
    "promote",
    "publish",
    "publish_many",
    "resume",
    "retry_job",
    "send_activity_schema",
    "send_data_sync",
    "send_email",
    "send_note_enrichment",
    "send_notification",
    "send_test",
    "send_user_action",
    "send_workout_update",
    "stop",
    "utc_now",
]

"""What can be sent: typed messages, and how to read one from the wire.

Every module of this package is imported, so a new file with a `Message` subclass is enough to
add a type: `from messages.invoice import InvoiceMessage`.
"""

from importlib import import_module
from pkgutil import iter_modules

from messages.activity_schema import ActivitySchemaData, ActivitySchemaMessage
from messages.base import Message, Payload
from messages.build import BuildConfig, BuildData, BuildMessage
from messages.data_sync import DataSyncData, DataSyncMessage
from messages.email import EmailData, EmailMessage
from messages.errors import (
    DuplicateMessageType,
    InvalidMessage,
    PostroomError,
    UnknownMessageType,
    UnknownSchemaVersion,
)
from messages.examples import examples_of
from messages.fields import Indexed, JsonObject, LogField, Scalar, Secret
from messages.limits import MAX_BYTES
from messages.message_scan import MessageScanData, MessageScanMessage
from messages.note_enrichment import NoteEnrichmentData, NoteEnrichmentMessage
from messages.notification import NotificationData, NotificationMessage
from messages.schema import json_schema
from messages.test import TestData, TestMessage, TestPayload
from messages.thumbnail_retry import ThumbnailRetryData, ThumbnailRetryMessage
from messages.union import message_class, message_types, new_message, parse_message
from messages.user_action import UserActionData, UserActionMessage
from messages.workout_update import WorkoutChanges, WorkoutUpdateData, WorkoutUpdateMessage

for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")

__all__ = [
    "MAX_BYTES",
    "ActivitySchemaData",
    "ActivitySchemaMessage",
    "BuildConfig",
    "BuildData",
    "BuildMessage",
    "DataSyncData",
    "DataSyncMessage",
    "DuplicateMessageType",
    "EmailData",
    "EmailMessage",
    "Indexed",
    "InvalidMessage",
    "JsonObject",
    "LogField",
    "Message",
    "MessageScanData",
    "MessageScanMessage",
    "NoteEnrichmentData",
    "NoteEnrichmentMessage",
    "NotificationData",
    "NotificationMessage",
    "Payload",
    "PostroomError",
    "Scalar",
    "Secret",
    "TestData",
    "TestMessage",
    "TestPayload",
    "ThumbnailRetryData",
    "ThumbnailRetryMessage",
    "UnknownMessageType",
    "UnknownSchemaVersion",
    "UserActionData",
    "UserActionMessage",
    "WorkoutChanges",
    "WorkoutUpdateData",
    "WorkoutUpdateMessage",
    "examples_of",
    "json_schema",
    "message_class",
    "message_types",
    "new_message",
    "parse_message",
]

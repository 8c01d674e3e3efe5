"""The tables of the application, as typed SQLAlchemy models. `database.py` opens them.

Tables are created when they are missing; a column that a later release adds is the business of
the application's own migrations.
"""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, ClassVar

from sqlalchemy import JSON, DateTime, Dialect, Enum, ForeignKey, TypeDecorator
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship
from typing_extensions import override

JsonDict = dict[str, Any]  # Any: what SQLAlchemy reads from a JSON column is not checked again


class ProcessingStatus(StrEnum):
    """How far a note or an activity is (requirement 004)."""

    PENDING = "PENDING"
    PROCESSING = "PROCESSING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    ERROR = "ERROR"


class UtcDateTime(TypeDecorator[datetime]):
    """Aware times in UTC, also from SQLite, which forgets the zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    @override
    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Convert to UTC on the way in."""
        del dialect
        return None if value is None else value.astimezone(UTC)

    @override
    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Say that it is UTC on the way out."""
        del dialect
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """What all tables share: how Python types become columns."""

    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: UtcDateTime,
        JsonDict: JSON,
        ProcessingStatus: Enum(ProcessingStatus, native_enum=False, length=16),
    }


class Applied(Base):
    """The ledger: one row for each effect that a message has had.

    It is written in the transaction of the effect itself, so a message that runs again finds it.
    """

    __tablename__ = "applied_messages"

    message_id: Mapped[str] = mapped_column(primary_key=True)
    step: Mapped[str] = mapped_column(primary_key=True)
    message_type: Mapped[str]
    result: Mapped[JsonDict]
    worker_host: Mapped[str]
    worker_pid: Mapped[int]
    applied_at: Mapped[datetime] = mapped_column(index=True)


class User(Base):
    """A person."""

    __tablename__ = "users"

    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    email: Mapped[str]


class Plan(Base):
    """A training plan."""

    __tablename__ = "plans"

    id: Mapped[str] = mapped_column(primary_key=True)
    title: Mapped[str]
    user_id: Mapped[str | None]
    phases: Mapped[list["Phase"]] = relationship(
        cascade="all, delete-orphan", order_by="Phase.position", lazy="selectin"
    )


class Phase(Base):
    """A part of a plan, some weeks long."""

    __tablename__ = "phases"

    id: Mapped[str] = mapped_column(primary_key=True)
    plan_id: Mapped[str] = mapped_column(ForeignKey("plans.id"), index=True)
    title: Mapped[str]
    position: Mapped[int] = mapped_column(default=0)
    sessions: Mapped[list["TrainingSession"]] = relationship(
        cascade="all, delete-orphan", order_by="TrainingSession.position", lazy="selectin"
    )


class TrainingSession(Base):
    """One training within a phase."""

    __tablename__ = "sessions"

    id: Mapped[str] = mapped_column(primary_key=True)
    phase_id: Mapped[str] = mapped_column(ForeignKey("phases.id"), index=True)
    title: Mapped[str]
    position: Mapped[int] = mapped_column(default=0)
    exercises: Mapped[list["Exercise"]] = relationship(
        cascade="all, delete-orphan", order_by="Exercise.position", lazy="selectin"
    )


class Exercise(Base):
    """One exercise within a session: weight in kg or lb as the plan has it, times in seconds."""

    __tablename__ = "exercises"

    id: Mapped[str] = mapped_column(primary_key=True)
    session_id: Mapped[str] = mapped_column(ForeignKey("sessions.id"), index=True)
    name: Mapped[str]
    position: Mapped[int] = mapped_column(default=0)
    sets: Mapped[int | None]
    reps: Mapped[int | None]
    weight: Mapped[float | None]
    duration: Mapped[float | None]
    rest: Mapped[float | None]
    notes: Mapped[str | None]
    extra: Mapped[JsonDict] = mapped_column(default=dict)
    changed_by: Mapped[str | None]
    """Id of the message that changed it last."""
    changed_at: Mapped[datetime | None]


class LoggedAction(Base):
    """The activity log: what somebody did."""

    __tablename__ = "activity_log"

    message_id: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[str | None] = mapped_column(index=True)
    action: Mapped[str]
    entity_type: Mapped[str]
    entity_id: Mapped[str]
    payload: Mapped[JsonDict] = mapped_column(default=dict)
    occurred_at: Mapped[datetime]


class InboxEntry(Base):
    """One notification in its recipient's inbox."""

    __tablename__ = "inbox"

    message_id: Mapped[str] = mapped_column(primary_key=True)
    recipient_id: Mapped[str] = mapped_column(index=True)
    title: Mapped[str]
    message: Mapped[str]
    type: Mapped[str]
    action_url: Mapped[str | None]
    created_at: Mapped[datetime]


class Processed:
    """Columns of what a message processes: how far it is, and for which message."""

    status: Mapped[ProcessingStatus] = mapped_column(default=ProcessingStatus.PENDING)
    status_message_id: Mapped[str | None] = mapped_column(default=None)
    """The message whose run `status` speaks of; None before the first."""
    failure: Mapped[str | None] = mapped_column(default=None)
    """Why it is FAILED or ERROR: the reason of the dead letter."""
    processed_at: Mapped[datetime | None] = mapped_column(default=None)


class Note(Processed, Base):
    """A note as its author wrote it, and what was made of it."""

    __tablename__ = "notes"

    id: Mapped[str] = mapped_column(primary_key=True)
    text: Mapped[str]
    title: Mapped[str | None] = mapped_column(default=None)
    markdown: Mapped[str | None] = mapped_column(default=None)


class Activity(Processed, Base):
    """A kind of activity: the JSON Schema of its data, and templates to display such data."""

    __tablename__ = "activities"

    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    json_schema: Mapped[JsonDict]
    title_template: Mapped[str | None] = mapped_column(default=None)
    body_template: Mapped[str | None] = mapped_column(default=None)

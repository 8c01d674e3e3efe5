"""Looks for what messages did, where they did it: rows, mails, files, dead letters.

What the demo shows comes from here; nothing here asks the demo what it expects.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from email.message import Message as EmailHeaders
from email.parser import BytesParser
from functools import singledispatchmethod
from pathlib import Path
from typing import Any, Literal

from redis import Redis
from rq.worker import Worker
from sqlalchemy import select
from sqlalchemy.orm import Session

from handlers.parts.guild_tables import (
    Attachment,
    AuthoredMessage,
    SharedLink,
    ThumbnailStatus,
)
from handlers.parts.settings import handler_settings
from handlers.parts.tables import (
    Activity,
    Applied,
    Exercise,
    InboxEntry,
    LoggedAction,
    Note,
    ProcessingStatus,
    User,
)
from messages import (
    ActivitySchemaMessage,
    BuildMessage,
    DataSyncMessage,
    EmailMessage,
    Message,
    MessageScanMessage,
    NoteEnrichmentMessage,
    NotificationMessage,
    TestMessage,
    ThumbnailRetryMessage,
    UserActionMessage,
    WorkoutUpdateMessage,
)
from workers import JobHandle, JobNotFound, dead_letters, keys
from workers.attempts import AttemptRecord, history

_RETRIED = "retried"


@dataclass(frozen=True)
class Finding:
    """What became of a message, as far as it can be seen.

    Args:
        state: `waiting` until there is an effect or a dead letter.
        effect: The effect, or the letter's reason and error, in words.
        pid: The worker that made it; None if it is gone.
        reason: Of the dead letter.
        retries: The failed attempts that were followed by another.
    """

    state: Literal["waiting", "done", "dead"] = "waiting"
    effect: str = ""
    pid: int | None = None
    reason: str | None = None
    retries: Sequence[AttemptRecord] = ()


class Mails:
    """The mails that came since this was made.

    Args:
        folder: The mail server's Maildir.
    """

    def __init__(self, folder: Path) -> None:
        self._new = folder / "new"
        self._read = {file.name for file in self._new.glob("*")}
        self._by_id: dict[str, EmailHeaders] = {}

    def find(self, message_id: str) -> EmailHeaders | None:
        """The headers of a message's mail.

        Args:
            message_id: The message; its mail's Message-ID begins with it.
        """
        for file in self._new.glob("*"):
            if file.name not in self._read:
                self._read.add(file.name)
                mail = BytesParser().parsebytes(file.read_bytes(), headersonly=True)
                self._by_id[str(mail["Message-ID"]).strip("<>").partition("@")[0]] = mail
        return self._by_id.get(message_id)


@dataclass(frozen=True)
class Places:
    """Where effects are.

    Args:
        session: The application's database.
        redis: Dead letters, attempts, results and workers.
        mails: What the mail server has stored.
    """

    session: Session
    redis: Redis
    mails: Mails

    def look(self, message: Message) -> Finding:
        """What became of a message.

        Args:
            message: Any of the shipped types.
        """
        letter = dead_letters.find(message.message_id, connection=self.redis)
        if letter is not None:
            past = [AttemptRecord(**attempt) for attempt in letter.attempts]
            pid = self._pid_of(past[-1].worker) if past else None
            buried = f"buried as {letter.reason}: {letter.error}"
            return Finding("dead", buried, pid, letter.reason, _retries(past))
        retries = _retries(history(message.message_id, connection=self.redis))
        effect = self.effect(message)
        entry = self.session.get(Applied, (message.message_id, ""))
        if effect is None or (entry is None and not isinstance(message, TestMessage)):
            return Finding(retries=retries)
        pid = self._worker(message) or (entry.worker_pid if entry else None)
        return Finding("done", effect, pid, retries=retries)

    @singledispatchmethod
    def effect(self, message: Message) -> str | None:
        """The effect of a message in words, or None if there is none yet."""
        raise TypeError(message)

    @effect.register
    def _(self, message: TestMessage) -> str | None:
        try:
            result = JobHandle(message.message_id, connection=self.redis).result()
        except JobNotFound:
            return None
        expected = message.data.model_dump(mode="json", exclude_none=True)
        return f"result {json.dumps(result['payload'])}" if result == expected else None

    @effect.register
    def _(self, message: WorkoutUpdateMessage) -> str | None:
        row = self.session.get(Exercise, message.data.exercise_id)
        if row is None or row.changed_by != message.message_id:
            return None
        changes = message.data.changes
        if (row.sets, row.reps, row.weight) != (changes.sets, changes.reps, changes.weight):
            return None
        return f"{row.name} is now {row.sets} x {row.reps} at {row.weight:g} kg"

    @effect.register
    def _(self, message: UserActionMessage) -> str | None:
        row = self.session.get(LoggedAction, message.message_id)
        return f"activity log: {row.action} {row.entity_id}" if row else None

    @effect.register
    def _(self, message: NotificationMessage) -> str | None:
        row = self.session.get(InboxEntry, message.message_id)
        return f"inbox of {row.recipient_id}: {row.title!r}" if row else None

    @effect.register
    def _(self, message: EmailMessage) -> str | None:
        mail = self.mails.find(message.message_id)
        if mail is None or mail["To"] != message.data.to:
            return None
        return f"mail to {mail['To']}: {mail['Subject']!r}"

    @effect.register
    def _(self, message: NoteEnrichmentMessage) -> str | None:
        row = self.session.get(Note, message.data.note_id)
        if row is None or row.status != ProcessingStatus.COMPLETED or not row.markdown:
            return None
        return f"{row.id} has the title {row.title!r}"

    @effect.register
    def _(self, message: ActivitySchemaMessage) -> str | None:
        row = self.session.get(Activity, message.data.activity_id)
        if row is None or row.status != ProcessingStatus.COMPLETED or not row.body_template:
            return None
        return f"{row.id} is shown as {row.title_template!r}"

    @effect.register
    def _(self, message: DataSyncMessage) -> str | None:
        if message.data.sync_type == "import":
            row = self.session.get(User, message.data.entity_ids[0])
            return f"{row.id} ({row.name}) is back" if row else None
        return _verified_backup(message)

    @effect.register
    def _(self, message: MessageScanMessage) -> str | None:
        of_it = AuthoredMessage.message_id.in_(message.data.message_ids)
        authors = self.session.scalars(select(AuthoredMessage.author_id).where(of_it)).all()
        if len(authors) != len(message.data.message_ids):
            return None
        linked = SharedLink.message_id.in_(message.data.message_ids)
        links = self.session.scalars(select(SharedLink.url).where(linked)).all()
        who = f"guild {message.data.guild_id}"
        return f"{who}: {len(authors)} messages by {len(set(authors))} people, {len(links)} links"

    @effect.register
    def _(self, message: ThumbnailRetryMessage) -> str | None:
        row = self.session.get(Attachment, message.data.message_ids[0])
        if row is None or row.status != ThumbnailStatus.COMPLETED or not row.thumbnail:
            return None
        file = handler_settings().thumbnail_dir / row.thumbnail
        return f"{file} is {row.width} x {row.height}" if file.exists() else None

    @effect.register
    def _(self, message: BuildMessage) -> str | None:
        log = handler_settings().build_dir / "logs" / f"{message.message_id}.log"
        wanted = message.data.config.build_steps[-1].removeprefix("echo ")
        if not log.exists() or wanted not in log.read_text().splitlines():
            return None
        return f"{wanted}, as {log} says"

    def _worker(self, message: Message) -> int | None:
        worker: Any = self.redis.hget(keys.job(message.message_id), "worker_name")
        return self._pid_of(worker.decode()) if worker else None

    def _pid_of(self, worker: str) -> int | None:
        pid: Any = self.redis.hget(f"{Worker.redis_worker_namespace_prefix}{worker}", "pid")
        if pid:
            return int(pid)
        parts = worker.rsplit("-", 2)  # a worker of streams is called HOST-PID-MILLISECONDS
        return int(parts[1]) if parts[1:] and parts[1].isdigit() else None


def _retries(past: Sequence[AttemptRecord]) -> Sequence[AttemptRecord]:
    return tuple(attempt for attempt in past if attempt.outcome == _RETRIED)


def _verified_backup(message: DataSyncMessage) -> str | None:
    folder = Path(message.data.destination or "")
    for file in folder.glob(f"*/*{message.message_id}.jsonl"):
        manifest = file.with_suffix(".manifest.json")
        if not manifest.exists():
            return None
        told, content = json.loads(manifest.read_text()), file.read_bytes()
        if told["sha256"] == hashlib.sha256(content).hexdigest():
            rows = len(content.splitlines())
            return f"{rows} rows in {file.parent}/, SHA-256 checked"
    return None

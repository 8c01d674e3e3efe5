"""What the routes are sent: JSON in wire names, checked before anything is done."""

from typing import Annotated, Any, Literal, cast

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StringConstraints
from pydantic.alias_generators import to_camel

from workers import EnqueueOptions, PublishOptions
from workers.cleanup import State
from workers.dead_letters import ReplayOptions
from workers.pauses import Kind
from workers.streams.trimming import KEPT_DONE

_MOST_MS = 365 * 24 * 3600 * 1000
Milliseconds = Annotated[int, Field(ge=0, le=_MOST_MS, strict=True)]
Attempts = Annotated[int, Field(ge=1, le=1_000, strict=True)]
Priority = Annotated[int, Field(ge=1, le=10, strict=True)] | Literal["high", "normal", "low"]

Needed = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]
"""A reason for the audit log, where one is needed: blanks are none."""


class Body(BaseModel):
    """An object in camelCase; a field that nobody knows is an error.

    What is true or false is that in JSON, too, and a number is a number: "no" purged what a dry run
    was to show.
    """

    model_config = ConfigDict(
        alias_generator=to_camel, extra="forbid", frozen=True, populate_by_name=False
    )


class Backoff(Body):
    """How long to wait before each further attempt: a random part of `delay`, in ms.

    `exponential` doubles `delay` each time; `fixed` keeps it, and waits a random part of it, too.
    """

    type: Literal["exponential", "fixed"] = "exponential"
    delay: Annotated[int, Field(ge=1, le=_MOST_MS, strict=True)]

    def in_seconds(self) -> dict[str, Any]:
        """The same as `enqueue` takes it."""
        return {"type": self.type, "delay": self.delay / 1000}


class Retry(Body):
    """What a retry may do otherwise than the job did.

    `timeout` is in seconds. `dataOverrides` is merged into the message's data, and null removes a
    field.
    """

    priority: Priority | None = None
    attempts: Attempts | None = None
    backoff: Backoff | None = None
    timeout: Annotated[float, Field(ge=1, le=30 * 24 * 3600)] | None = None
    data_overrides: dict[str, Any] | None = None
    remove_original: StrictBool = False
    reason: Annotated[str, Field(max_length=500)] = ""

    def options(self) -> ReplayOptions:
        """The same for `retry_job`, what was left out left out."""
        found: dict[str, Any] = {
            "priority": self.priority,
            "attempts": self.attempts,
            "timeout": self.timeout,
            "backoff": None if self.backoff is None else self.backoff.in_seconds(),
        }
        return cast("ReplayOptions", {k: v for k, v in found.items() if v is not None})


class SendOptions(Body):
    """How a message is sent; `delay` in ms, `timeout` and `queueTtl` in seconds."""

    queue: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    delay: Milliseconds | None = None
    attempts: Attempts | None = None
    priority: Priority | None = None
    timeout: Annotated[float, Field(ge=1, le=30 * 24 * 3600)] | None = None
    queue_ttl: Annotated[float, Field(gt=0, le=365 * 24 * 3600)] | None = None
    backoff: Backoff | None = None
    unique_key: Annotated[str, Field(min_length=1, max_length=200)] | None = None

    def for_enqueue(self) -> EnqueueOptions:
        """The same for `enqueue`."""
        found = {name: value for name, value in self.model_dump().items() if value is not None}
        if self.delay is not None:
            found["delay"] = self.delay / 1000
        if self.backoff is not None:
            found["backoff"] = self.backoff.in_seconds()
        return cast("EnqueueOptions", found)


class StreamOptions(Body):
    """How a message is added to a stream; `delay` in ms."""

    stream: Annotated[str, Field(min_length=1, max_length=500)] | None = None
    priority: Priority | None = None
    delay: Milliseconds | None = None

    def for_publish(self) -> PublishOptions:
        """The same for `publish`."""
        found = {name: value for name, value in self.model_dump().items() if value is not None}
        if self.delay is not None:
            found["delay"] = self.delay / 1000
        return cast("PublishOptions", found)


class _Message(Body):
    """A message: its envelope without what only the sender's program knows.

    Without a `timestamp` it is from now.
    """

    message_type: Annotated[str, Field(min_length=1, max_length=100, examples=["TEST"])]
    timestamp: Annotated[str, Field(max_length=100, examples=["2026-11-22T09:30:00Z"])] | None = (
        None
    )
    data: Annotated[dict[str, Any], Field(examples=[{"testType": "echo"}])]
    user_id: str | None = None
    metadata: dict[str, Any] | None = None
    correlation_id: str | None = None

    def envelope(self) -> dict[str, Any]:
        """The further fields of the envelope, in wire names."""
        found = self.model_dump(by_alias=True, exclude={"message_type", "data", "options"})
        return {name: value for name, value in found.items() if value is not None}


class Send(_Message):
    """A message to send: its envelope without what only the sender's program knows.

    Without a `timestamp` it is from now.
    """

    options: SendOptions = SendOptions()


class Publish(_Message):
    """A message for a stream: that which it names, else its type's, else its tenant's."""

    options: StreamOptions = StreamOptions()


class LetterFilter(Body):
    """Which dead letters are meant; what is left out does not matter."""

    message_type: str | None = None
    queue: str | None = None
    reason: str | None = None
    text: Annotated[str, Field(max_length=200)] | None = None
    fingerprint: Annotated[str, Field(max_length=100)] | None = None


class Bulk(Body):
    """An action on many letters: first with `dryRun`, which shows which; a reason is needed."""

    filter: LetterFilter = LetterFilter()
    reason: Needed
    dry_run: StrictBool = True


class ManyJobs(Body):
    """An action on many jobs: those of a search, or those named; first with `dryRun`."""

    query: Annotated[str, Field(min_length=1, max_length=2_000)] | None = None
    job_ids: Annotated[list[Annotated[str, Field(max_length=200)]], Field(max_length=1_000)] = []
    reason: Needed
    dry_run: StrictBool = True


class Edit(Body):
    """What to change in a letter's data; objects are merged, null removes a field."""

    data: dict[str, Any]
    reason: Needed


class Clean(Body):
    """Which ended jobs of a queue are to go; `olderThan` in seconds."""

    queue: Annotated[str, Field(min_length=1, max_length=200)]
    state: State
    older_than: Annotated[float, Field(ge=0, le=10 * 365 * 24 * 3600)] = 0
    keep_newest: Annotated[int, Field(ge=0, strict=True)] = 0
    reason: Needed
    dry_run: StrictBool = True


class Trial(Body):
    """A replay of a group's letters: all, or so many, the oldest first.

    `dataOverrides` is merged into the data of each message, and null removes a field.
    """

    reason: Needed
    most: Annotated[int, Field(ge=1, le=10_000, strict=True)] | None = None
    data_overrides: dict[str, Any] | None = None
    dry_run: StrictBool = True


class FixedIn(Body):
    """In which release something is mended, as CODE_VERSION names it."""

    version: Annotated[str, Field(min_length=1, max_length=100)]
    reason: Needed


class PauseOf(Body):
    """What is to be paused, or to go on."""

    kind: Kind
    name: Annotated[str, Field(min_length=1, max_length=200)]
    reason: Needed


class Mark(Body):
    """A release that is being deployed."""

    version: Annotated[str, Field(min_length=1, max_length=100)]
    note: Annotated[str, Field(max_length=500)] = ""


class Trim(Body):
    """How many of the newest entries stay, though they are done."""

    keep: Annotated[int, Field(ge=1, le=1_000_000, strict=True)] = KEPT_DONE
    reason: Needed


class Claim(Body):
    """Whose entries others may have: of one consumer, or all that nobody touched for `idle` s."""

    group: Annotated[str, Field(min_length=1, max_length=100)] = "workers"
    consumer: Annotated[str, Field(min_length=1, max_length=500)] | None = None
    idle: Annotated[float, Field(ge=0, le=365 * 24 * 3600)] | None = None
    reason: Needed


class Why(Body):
    """Why something is done, for the audit log."""

    reason: Needed


class MayWhy(Body):
    """Likewise, where it may be left out."""

    reason: Annotated[str, Field(max_length=500)] = ""


class Nothing(Body):
    """Nothing at all."""


class WorkerStop(Body):
    """Why a worker is to stop."""

    reason: Needed

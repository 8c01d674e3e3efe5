"""Right uses of what applications call. mypy must find nothing here."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, ClassVar, Literal, assert_type

from pydantic import Field

from messages import (
    DataSyncMessage,
    EmailData,
    EmailMessage,
    Indexed,
    LogField,
    Message,
    NoteEnrichmentMessage,
    Payload,
    Secret,
    TestData,
    TestMessage,
    TestPayload,
    WorkoutChanges,
    examples_of,
    json_schema,
    parse_message,
)
from workers import (
    Context,
    DeadLetter,
    JobHandle,
    Keep,
    ResourceUnavailable,
    RetryPolicy,
    aenqueue,
    aenqueue_at,
    aenqueue_in,
    aenqueue_many,
    enqueue,
    enqueue_at,
    enqueue_in,
    enqueue_many,
    handles,
    on,
    on_dead,
    send_data_sync,
    send_email,
    send_notification,
    send_test,
    send_workout_update,
)


class InvoiceData(Payload):
    invoice_id: Annotated[str, Field(min_length=1), LogField, Indexed]
    iban: Annotated[str, Secret]
    copies: int = 1
    due: datetime | None = None


class InvoiceReceipt(Payload):
    number: int


class InvoiceMessage(Message):
    queue: ClassVar[str] = "billing"
    timeout_seconds: ClassVar[int | None] = 120
    examples: ClassVar[tuple[dict[str, Any], ...]] = ({"invoiceId": "i-1", "iban": "DE00"},)

    message_type: Literal["INVOICE"] = "INVOICE"
    data: InvoiceData


@handles(InvoiceMessage, retry=RetryPolicy(max_attempts=4, base=timedelta(seconds=1)))
def send_invoice(message: InvoiceMessage) -> InvoiceReceipt:
    assert_type(message.data.copies, int)
    assert_type(message.data.due, datetime | None)
    return InvoiceReceipt(number=len(message.data.invoice_id))


@handles(EmailMessage)
def with_context(message: EmailMessage, context: Context) -> None:
    raise ResourceUnavailable(message.data.to, retry_after=timedelta(seconds=context.attempt))


@handles(NoteEnrichmentMessage)
async def without_blocking(message: NoteEnrichmentMessage) -> dict[str, str]:
    return {"id": message.data.note_id}


@handles(TestMessage)
def of_every_message(message: Message) -> None:
    """A handler may know less of its message than there is."""


@on_dead(InvoiceMessage)
def was_not_sent(message: InvoiceMessage, letter: DeadLetter) -> None:
    assert_type(message.data, InvoiceData)
    assert_type(letter, DeadLetter)


@on("worker_started")
def say_hello(worker_name: str) -> None:
    assert_type(worker_name, str)


invoice = InvoiceMessage(data=InvoiceData(invoice_id="i-1", iban="DE00"), user_id="ada")
assert_type(invoice.caused_by(invoice), InvoiceMessage)
assert_type(invoice.to_json(), bytes)
assert_type(parse_message(b"{}"), Message)
assert_type(examples_of("EMAIL"), tuple[Message, ...])
assert_type(json_schema("EMAIL"), dict[str, Any])
assert_type(send_invoice, Callable[[InvoiceMessage], InvoiceReceipt])
assert_type(send_invoice(invoice), InvoiceReceipt)

mail = EmailMessage(data=EmailData(to="ada@example.com", subject="Hi", template="welcome"))
free = TestMessage(data=TestData(test_type="echo", payload=TestPayload(field="a", old_value=1)))
assert_type(EmailMessage.of("ada@example.com", "Hi", "welcome", {"n": [1]}), EmailMessage)
assert_type(DataSyncMessage.of("backup", "note", ("a", "b")), DataSyncMessage)

handle = enqueue(
    mail,
    queue="bulk",
    delay=timedelta(minutes=5),
    attempts=5,
    backoff={"type": "fixed", "delay": 2.5},
    priority="high",
    timeout=30,
    queue_ttl=3600,
    keep_completed=Keep(count=100),
    keep_failed=Keep(age=timedelta(days=1)),
    unique_key="ada-today",
    unique_window=86_400,
)
assert_type(handle, JobHandle)
assert_type(handle.id, str)
assert_type(enqueue(free, depends_on=[handle, "another"], on_parent_failure="run"), JobHandle)
assert_type(enqueue(free, depends_on=handle, priority=10), JobHandle)
assert_type(enqueue_in(5, mail), JobHandle)
assert_type(enqueue_at(datetime.now(UTC), mail, attempts=1), JobHandle)
assert_type(enqueue_many([mail, free, invoice]), list[str])
assert_type(enqueue_many(mail for _ in range(3)), list[str])


async def without_blocking_the_loop() -> None:
    assert_type(await aenqueue(mail, priority="low"), JobHandle)
    assert_type(await aenqueue_in(timedelta(seconds=5), mail), JobHandle)
    assert_type(await aenqueue_at(datetime.now(UTC), mail), JobHandle)
    assert_type(await aenqueue_many([mail]), list[str])


assert_type(send_test("echo", TestPayload(field="a"), "ada"), JobHandle)
assert_type(send_email("ada@example.com", "Hi", "welcome", {"name": "Ada"}), JobHandle)
assert_type(send_notification("ada", "Hi", "Text", "success", "/here"), JobHandle)
assert_type(send_data_sync("export", "note", ["a"], "memory://x"), JobHandle)
assert_type(send_workout_update("p", "f", "s", "e", {"sets": 4, "tempo": "slow"}), JobHandle)
assert_type(send_workout_update("p", "f", "s", "e", WorkoutChanges(weight=62.5)), JobHandle)

"""Calls of enqueue and its relatives that mypy must refuse."""

from datetime import timedelta

from messages import EmailData, EmailMessage
from workers import Keep, aenqueue, enqueue, enqueue_at, enqueue_in, enqueue_many

mail = EmailMessage.of("ada@example.com", "Hi", "welcome")

enqueue(mail, retries=3)  # E: Unexpected keyword argument "retries" for "enqueue"
enqueue(mail, delay="5s")  # E: Argument "delay" to "enqueue" has incompatible type "str"
enqueue(mail, attempts="3")  # E: Argument "attempts" to "enqueue" has incompatible type "str"
enqueue(mail, attempts=1.5)  # E: Argument "attempts" to "enqueue" has incompatible type "float"
enqueue(mail, priority="urgent")  # E: Argument "priority" to "enqueue" has incompatible type
enqueue(mail, queue=5)  # E: Argument "queue" to "enqueue" has incompatible type "int"
enqueue(mail, timeout=None)  # E: Argument "timeout" to "enqueue" has incompatible type "None"
enqueue(mail, backoff="fixed")  # E: Argument "backoff" to "enqueue" has incompatible type "str"
enqueue(mail, backoff={"type": "linear", "delay": 1})  # E: Incompatible types
enqueue(mail, backoff={"type": "fixed"})  # E: Missing key "delay" for TypedDict "Backoff"
enqueue(mail, keep_completed=100)  # E: Argument "keep_completed" to "enqueue"
enqueue(mail, keep_failed=Keep(days=1))  # E: Unexpected keyword argument "days" for "Keep"
enqueue(mail, unique_key=5)  # E: Argument "unique_key" to "enqueue" has incompatible type "int"
enqueue(mail, depends_on=5)  # E: Argument "depends_on" to "enqueue" has incompatible type "int"
enqueue(mail, on_parent_failure="retry")  # E: Argument "on_parent_failure" to "enqueue"
enqueue(mail, connection="redis://localhost")  # E: Argument "connection" to "enqueue"
enqueue(mail.data)  # E: Argument 1 to "enqueue" has incompatible type "EmailData"
enqueue(EmailMessage)  # E: Argument 1 to "enqueue" has incompatible type "type[EmailMessage]"
enqueue({"messageType": "EMAIL"})  # E: incompatible type "dict[str, str]"; expected "Message"
enqueue()  # E: Missing positional argument "message"
enqueue(mail, 5)  # E: Too many positional arguments  # E: Argument 2 to "enqueue"

enqueue_in(mail, 5)  # E: Argument 1 to "enqueue_in"  # E: Argument 2 to "enqueue_in"
enqueue_in("5", mail)  # E: Argument 1 to "enqueue_in" has incompatible type "str"
enqueue_in(timedelta(5), EmailData)  # E: Argument 2 to "enqueue_in" has incompatible type
enqueue_at("2026-01-15", mail)  # E: Argument 1 to "enqueue_at" has incompatible type "str"
enqueue_many(mail)  # E: expected "Iterable[Message]"
enqueue_many([mail, "mail"])  # E: List item 1 has incompatible type "str"
enqueue_many([mail], prioritty="low")  # E: Unexpected keyword argument "prioritty"


def to_the_handle() -> None:
    handle = enqueue(mail)
    handle.id = "another"  # E: Property "id" defined in "JobHandle" is read-only
    handle.wait("5")  # E: Argument 1 to "wait" of "JobHandle" has incompatible type "str"
    handle.state()  # E: "JobHandle" has no attribute "state"


async def without_blocking() -> None:
    await aenqueue(mail, delay="5s")  # E: Argument "delay" to "aenqueue" has incompatible type
    (await aenqueue(mail)).ident  # E: "JobHandle" has no attribute "ident"  # noqa: B018

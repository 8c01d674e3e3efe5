"""Handlers that mypy must refuse to register."""

from datetime import timedelta

from messages import EmailMessage, NoteEnrichmentMessage, UserActionMessage
from workers import (
    Context,
    DeadLetter,
    RetryPolicy,
    handles,
    on,
    on_dead,
)


@handles(EmailMessage)  # E: incompatible type "Callable[[NoteEnrichmentMessage], None]"
def of_another_message(message: NoteEnrichmentMessage) -> None: ...


@handles(EmailMessage)  # E: incompatible type "Callable[[], None]"
def of_no_message() -> None: ...


@handles(EmailMessage)  # E: incompatible type "Callable[[EmailMessage, int], None]"
def with_a_wrong_context(message: EmailMessage, attempt: int) -> None: ...


@handles(EmailMessage)  # E: incompatible type "Callable[[EmailMessage, Context, str], None]"
def with_too_many_arguments(message: EmailMessage, context: Context, more: str) -> None: ...


@handles("EMAIL")  # E: Argument 1 to "handles" has incompatible type "str"
def by_name(message: EmailMessage) -> None: ...


@handles(EmailMessage, retry=3)  # E: Argument "retry" to "handles" has incompatible type "int"
def with_a_number_of_retries(message: EmailMessage) -> None: ...


@handles(EmailMessage, attempts=3)  # E: Unexpected keyword argument "attempts" for "handles"
def with_an_unknown_option(message: EmailMessage) -> None: ...


@handles(UserActionMessage)
def reads_a_field_that_is_not_there(message: UserActionMessage) -> None:
    str(message.data.user)  # E: "UserActionData" has no attribute "user"


@on("finished")  # E: Argument 1 to "on" has incompatible type "Literal['finished']"
def of_no_hook() -> None: ...


@on_dead(EmailMessage)  # E: Argument 1 has incompatible type
def of_another_death(message: NoteEnrichmentMessage, letter: DeadLetter) -> None: ...


RetryPolicy(attempts=3)  # E: Unexpected keyword argument "attempts" for "RetryPolicy"
RetryPolicy(max_attempts="3")  # E: incompatible type "str"; expected "int"
RetryPolicy(base=5)  # E: incompatible type "int"; expected "timedelta"
RetryPolicy(kind="linear")  # E: incompatible type
RetryPolicy().max_attempts = 4  # E: Property "max_attempts" defined in "RetryPolicy" is read-only
RetryPolicy(base=timedelta(seconds=1), retries=4)  # E: Unexpected keyword argument "retries"

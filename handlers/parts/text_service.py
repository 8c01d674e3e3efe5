"""Asks an OpenAI-compatible service.

Imported only where one is configured, because the client is slow to import.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import openai

from handlers.parts.settings import HandlerSettings
from workers import PermanentError, ResourceUnavailable

_LONGEST_WAIT = timedelta(days=1)  # a Retry-After beyond this is a mistake of the service
_SERVER_ERROR = 500
_TRY_AGAIN = frozenset({408, 409, 425, 429})


def ask(task: str, text: str, keys: Sequence[str], settings: HandlerSettings) -> Mapping[str, str]:
    """Ask for a JSON object of texts.

    Args:
        task: What to do, and what to answer.
        text: What to do it to.
        keys: The keys that the answer must have.
        settings: The service, its key, the model and the timeout.

    Returns:
        The keys and their texts; none of them is empty.

    Raises:
        ResourceUnavailable: If the service is down, busy, or answers something else.
        PermanentError: If it refuses the request.
    """
    with (
        openai.OpenAI(
            base_url=settings.robo_base_url,
            api_key=settings.robo_api_key.get_secret_value() or "none",
            timeout=settings.robo_timeout,
            max_retries=0,  # the retries are Postroom's: they are recorded, and free the worker
        ) as client,
        _said_in_tiers(),
    ):
        reply = client.chat.completions.create(
            model=settings.robo_model,
            messages=[{"role": "system", "content": task}, {"role": "user", "content": text}],
            response_format={"type": "json_object"},
        )
        return _read(reply, keys)


def retry_after(header: str | None, *, now: datetime) -> timedelta | None:
    """How long a server asks to wait (RFC 9110, 10.2.3).

    Args:
        header: The value of Retry-After: seconds, or a date.
        now: The time.

    Returns:
        From nothing to one day; None if the header is absent or cannot be read.
    """
    if header is None:
        return None
    try:
        if re.fullmatch(r"\s*\d+(\.\d+)?\s*", header):
            wait = timedelta(seconds=min(float(header), _LONGEST_WAIT.total_seconds()))
        else:
            date = parsedate_to_datetime(header)
            wait = (date if date.tzinfo else date.replace(tzinfo=UTC)) - now
    except (ValueError, OverflowError):
        return None
    return min(max(wait, timedelta()), _LONGEST_WAIT)


def _read(reply: Any, keys: Sequence[str]) -> Mapping[str, str]:
    # Any: compatible services answer many things that the client's types do not foresee.
    try:
        content = re.sub(r"^```\w*\s*|\s*```$", "", reply.choices[0].message.content.strip())
        answer = json.loads(content)
        found = {key: answer[key] for key in keys}
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise ResourceUnavailable(
            f"The text service did not answer with a JSON object of {' and '.join(keys)}."
        ) from error
    if not all(isinstance(value, str) and value.strip() for value in found.values()):
        raise ResourceUnavailable("The text service left its answer empty.")
    return found


@contextmanager
def _said_in_tiers() -> Iterator[None]:
    try:
        yield
    except openai.APIStatusError as error:
        status = error.status_code
        sentence = f"The text service answered {status}: {_first_line(error)}."
        if status < _SERVER_ERROR and status not in _TRY_AGAIN:
            raise PermanentError(sentence) from error
        wait = retry_after(error.response.headers.get("retry-after"), now=datetime.now(UTC))
        raise ResourceUnavailable(sentence, retry_after=wait) from error
    except json.JSONDecodeError as error:
        raise ResourceUnavailable(f"The text service did not answer with JSON: {error}.") from error
    except openai.OpenAIError as error:  # no connection, a timeout, an answer that is no HTTP
        raise ResourceUnavailable(
            f"The text service does not answer: {_first_line(error)}."
        ) from error


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0].strip(" .")[:300]

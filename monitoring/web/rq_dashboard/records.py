"""What rq-dashboard reads from Redis: JSON only, without secrets, and as it expects it of RQ."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any, Self

import redis
from rq.exceptions import NoSuchJobError
from rq.job import Job
from rq.results import Result
from rq.serializers import JSONSerializer
from rq.utils import get_call_string
from typing_extensions import override

from messages.masking import masked, masked_by_name, secrets_of
from monitoring.jobs.results import WITHHELD, is_withheld
from workers import keys
from workers.jobs import envelope_of
from workers.redaction import hiding, redacted, redacted_value

_LONGEST_ARGUMENT = 75  # characters, as RQ itself shows of each
_UNREADABLE = "(its arguments cannot be read)"


class ShownJob(Job):
    """A job that is shown only: it has no secrets, so it must not be saved."""

    _results: Any = None  # the newest of them, if it was read with the job

    @classmethod
    @override
    def fetch(cls, id: str, connection: Any = None, serializer: Any = None) -> Any:
        del serializer  # where rq-dashboard names none, RQ would unpickle
        try:
            return super().fetch(id, connection=connection, serializer=JSONSerializer)
        except ValueError as error:  # nothing can have this id
            raise NoSuchJobError from error

    @classmethod
    def fetch_page(cls, ids: Sequence[str], *, connection: redis.Redis) -> list["ShownJob"]:
        """Read some jobs with their newest results, in one round trip.

        Args:
            ids: The jobs; those that are gone, or cannot be read, are left out.
            connection: Where.
        """
        with connection.pipeline(transaction=False) as pipe:
            for each in ids:
                pipe.hgetall(keys.job(each))
                pipe.xrevrange(keys.result(each), count=1)
            answers = pipe.execute(raise_on_error=False)
        found = zip(ids, answers[::2], answers[1::2], strict=True)
        read = [cls._read(*each, connection) for each in found]
        return [job for job in read if job is not None]

    @classmethod
    def _read(cls, job_id: str, record: Any, results: Any, connection: redis.Redis) -> Self | None:
        if not record or isinstance(record, Exception):
            return None
        try:
            job = cls(job_id, connection=connection, serializer=JSONSerializer)
            job.restore(record)
        except Exception:  # noqa: BLE001 - rq raises whatever its serializer does
            return None
        job._results = [] if isinstance(results, Exception) else results
        return job

    @override
    def restore(self, raw_data: Any) -> Any:
        super().restore(raw_data)
        self.description = self.without_secrets(self.description)

    @property
    @override
    def dependency_ids(self) -> Any:
        """The ids as rq-dashboard expects them, which knows RQ 2 only."""
        return [each.encode() for each in super().dependency_ids]

    @override
    def get_meta(self, refresh: bool = True) -> Any:
        # What was fetched with the job is new enough, and may be unreadable without an error.
        return self.without_secrets(super().get_meta(refresh=False))

    @override
    def latest_result(self, timeout: int = 0) -> Result | None:
        try:
            found = self._newest_result(timeout)
        except Exception:  # noqa: BLE001 - rq raises whatever its serializer does
            return None
        if found is not None:
            found.exc_string = self.without_secrets(found.exc_string)
            is_withheld_here = found.return_value is not None and is_withheld(self)
            found.return_value = (
                WITHHELD if is_withheld_here else self.without_secrets(found.return_value)
            )
        return found

    def _newest_result(self, timeout: int) -> Result | None:
        if self._results is None:
            return super().latest_result(timeout=timeout)
        for result_id, payload in self._results:
            return Result.restore(
                self.id, result_id.decode(), payload, self.connection, JSONSerializer
            )
        return None

    @override
    def get_call_string(self) -> str:
        try:
            name, shown, named = self._call()
        except Exception:  # noqa: BLE001 - rq raises whatever its serializer does
            return _UNREADABLE
        text = get_call_string(name, shown, named, max_length=_LONGEST_ARGUMENT)
        return str(self.without_secrets(text))

    def _call(self) -> tuple[str, Sequence[Any], dict[str, Any]]:
        """What is called with what: of a message its type and its data."""
        arguments = [masked(each) for each in self.args]
        if len(arguments) == 1 and isinstance(arguments[0], dict) and "messageType" in arguments[0]:
            return str(arguments[0]["messageType"]), [arguments[0].get("data")], {}
        return str(self.func_name), masked_by_name(arguments), masked_by_name(self.kwargs)

    def without_secrets(self, value: Any) -> Any:
        """A text, or JSON data, without what is secret in the message of this job.

        Args:
            value: What is about to be shown.
        """
        with hiding(self._secrets):
            return redacted(value) if isinstance(value, str) else redacted_value(value)

    @cached_property
    def _secrets(self) -> frozenset[str]:
        return secrets_of(envelope_of(self))

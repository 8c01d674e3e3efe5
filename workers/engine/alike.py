"""What records of several jobs have in common: said once by the step's script, read once here."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from typing_extensions import override

from workers import dead_letters


@dataclass(frozen=True, eq=False)
class Terms:
    """What records of several jobs say alike. Two are never equal, so one can stand for its jobs.

    Args:
        list_name: The list they were in.
        timeout: Seconds that a run may take.
        result_ttl: Seconds that a record is kept when its job succeeds; None as the settings say.
        failure_ttl: As `result_ttl`, when it fails.
        meta: What the sender chose; each job needs its own copy.
        unique_key: The key that the job holds, or empty.
    """

    list_name: str
    timeout: int
    result_ttl: int | None
    failure_ttl: int | None
    meta: Mapping[str, Any]
    unique_key: str = ""

    @classmethod
    def of(cls, fields: Mapping[bytes, bytes]) -> "Terms | None":
        """Read them.

        Args:
            fields: Of a job's hash.

        Returns:
            What they say; None if a job that says so is not plain, or a field is damaged.
        """
        get = fields.get
        try:
            meta = _meta(get(b"meta", b"{}"))
            if fields[b"status"] != b"queued" or meta is None:
                return None
            return cls(
                list_name=fields[b"origin"].decode(),
                timeout=int(fields[b"timeout"]),
                result_ttl=_whole(get(b"result_ttl")),
                failure_ttl=_whole(get(b"failure_ttl")),
                meta=meta,
                unique_key=get(b"unique_key", b"").decode(),
            )
        except (ValueError, KeyError):
            return None


@dataclass(frozen=True, slots=True)
class Common:
    """The fields that jobs which are `Alike` have in common.

    Args:
        fields: Their names and values.
        terms: What they say; None if one is damaged.
    """

    fields: Mapping[bytes, bytes]
    terms: Terms | None

    @classmethod
    def of(cls, pairs: Sequence[bytes]) -> "Common":
        """Read them, once for many jobs.

        Args:
            pairs: Names and values by turns.
        """
        return _common(tuple(pairs))


@lru_cache(maxsize=100)
def _common(pairs: tuple[bytes, ...]) -> Common:
    fields = dict(zip(pairs[::2], pairs[1::2], strict=True))
    return Common(fields, Terms.of(fields))


_OWN = frozenset({b"created_at", b"enqueued_at", b"data", b"description"})


class Alike(Mapping[bytes, bytes]):
    """The hash of a job that is exactly as our producer wrote it, without a rare option.

    The jobs of a step share most of what stands in it, so the step's script says that once, and a
    child reads it once. As a mapping it has every field but `tenant`, for those who look closer.

    Args:
        common: What it shares with others.
        written_at: When it was created and enqueued.
        data: Its call.
        description: As it is.
    """

    __slots__ = ("common", "data", "description", "written_at")

    def __init__(self, common: Common, written_at: bytes, data: bytes, description: bytes) -> None:
        self.common = common
        self.written_at = written_at
        self.data = data
        self.description = description

    @override
    def __getitem__(self, name: bytes) -> bytes:
        return self.common.fields[name] if name in self.common.fields else self._own()[name]

    @override
    def __contains__(self, name: object) -> bool:
        return name in self.common.fields or name in _OWN

    @override
    def __iter__(self) -> Iterator[bytes]:
        return iter(self._all())

    @override
    def __len__(self) -> int:
        return len(self._all())

    def _all(self) -> dict[bytes, bytes]:
        return {**self.common.fields, **self._own()}

    def _own(self) -> dict[bytes, bytes]:
        return {
            b"created_at": self.written_at,
            b"enqueued_at": self.written_at,
            b"data": self.data,
            b"description": self.description,
        }


def _whole(stored: bytes | None) -> int | None:
    return None if stored is None else int(stored)


def _meta(stored: bytes) -> dict[str, Any] | None:
    meta = {} if stored == b"{}" else json.loads(stored)
    if not isinstance(meta, dict) or dead_letters.BURIED in meta:
        return None  # of a requeued job the letter must be resolved first
    return meta

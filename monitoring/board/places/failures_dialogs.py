"""Routes: what is asked before something is done about a group of failures, or a dead letter."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse
from redis import Redis

from monitoring.api.parts import Actor, Destroyer, Engine, Reader, Writer
from monitoring.board.failing import title_of
from monitoring.board.mended_alike import (
    MOST_OF_CHANGE,
    alike,
    change_from,
    change_in_address,
)
from monitoring.board.page import fragment
from monitoring.failures import get_failure_group
from monitoring.failures.letters import Letters, newest_letters, whole_letters
from monitoring.jobs.tenants import letter_of
from monitoring.numbers.deploys import get_deploys
from workers import dead_letters, failure_groups
from workers.connection import storage_errors
from workers.dead_letters import Filter, Summary
from workers.dead_letters.letter import summary

router = APIRouter(prefix="/board", tags=["browser"])

_Group = Annotated[str, Query(min_length=1, max_length=100)]
_Letter = Annotated[str, Query(min_length=1, max_length=200)]

_SAMPLE = 3  # letters of what an action would touch


@router.get("/dialogs/mute")
def mute(request: Request, asker: Actor, reader: Reader, group: _Group) -> HTMLResponse:
    """Ask why a group is to be left out of what asks for attention."""
    return fragment(request, asker, "dialogs/mute.html", _about(group, reader))


@router.get("/dialogs/unmute")
def unmute(request: Request, asker: Actor, reader: Reader, group: _Group) -> HTMLResponse:
    """Ask why a group is to ask for attention again."""
    return fragment(request, asker, "dialogs/unmute.html", _about(group, reader))


@router.get("/dialogs/fixed")
def fixed(request: Request, asker: Actor, reader: Reader, group: _Group) -> HTMLResponse:
    """Ask in which release a group is mended."""
    releases = [each["version"] for each in get_deploys(connection=reader)]
    values = {**_about(group, reader), "releases": releases[:-11:-1]}
    return fragment(request, asker, "dialogs/fixed.html", values)


@router.get("/dialogs/trial")
def trial(
    request: Request, asker: Actor, reader: Reader, group: _Group, letter: str = ""
) -> HTMLResponse:
    """Ask whether to replay one letter, or some of the oldest, as a trial."""
    change = ""
    if letter:
        whole = letter_of(None, letter, connection=reader)
        sample: Sequence[Summary] = [summary(whole)]
        change = change_in_address(whole)
    else:
        sample = newest_letters(connection=reader).of(group).newest[: -_SAMPLE - 1 : -1]
    values = {**_about(group, reader), "letter": letter, "sample": sample, "change": change}
    return fragment(request, asker, "dialogs/trial.html", values)


@router.get("/dialogs/replay-group")
def replay_group(  # noqa: PLR0913, PLR0917 - what a route is given
    request: Request,
    asker: Actor,
    writer: Writer,
    engine: Engine,
    group: _Group,
    change: Annotated[str, Query(max_length=MOST_OF_CHANGE)] = "",
) -> HTMLResponse:
    """Make the dry run of a replay, with the same change to each, and ask whether to do that."""
    data = change_from(change)
    found = failure_groups.dry_replay(group, data=data, connection=writer, settings=engine)
    letters = whole_letters(found.job_ids[:_SAMPLE], connection=writer)
    values = {
        **_about(group, writer),
        "change": data,
        "alike": alike(letters, data) if data else (),
        "count": len(found.job_ids),
        "sample": [summary(each) for each in letters],
        "refused": found.refused,
    }
    return fragment(request, asker, "dialogs/replay_group.html", values)


@router.get("/dialogs/discard-group")
def discard_group(
    request: Request, asker: Destroyer, writer: Writer, group: _Group
) -> HTMLResponse:
    """Make the dry run of a purge, and ask whether to do just that."""
    found = dead_letters.dry_purge(Filter(fingerprint=group), connection=writer)
    letters = whole_letters(found.job_ids[:_SAMPLE], connection=writer)
    values = {
        **_about(group, writer),
        "count": len(found.job_ids),
        "sample": [summary(each) for each in letters],
    }
    return fragment(request, asker, "dialogs/discard_group.html", values)


@router.get("/dialogs/replay-letter")
def replay_letter(request: Request, asker: Actor, reader: Reader, letter: _Letter) -> HTMLResponse:
    """Ask whether to send a letter's message again."""
    found = letter_of(None, letter, connection=reader)
    return fragment(request, asker, "dialogs/replay_letter.html", {"letter": summary(found)})


@router.get("/dialogs/discard-letter")
def discard_letter(
    request: Request, asker: Destroyer, reader: Reader, letter: _Letter
) -> HTMLResponse:
    """Ask whether to remove a letter for good."""
    found = letter_of(None, letter, connection=reader)
    return fragment(request, asker, "dialogs/discard_letter.html", {"letter": summary(found)})


@router.get("/failures/{fingerprint}/left")
def left(request: Request, asker: Actor, reader: Reader, fingerprint: str) -> HTMLResponse:
    """Tell how many letters of a group are left, while a replay of them runs."""
    with storage_errors():
        found: Letters = newest_letters(_ALL, connection=reader).of(fingerprint)
    return fragment(request, asker, "left.html", {"left": found.count})


_ALL = 10_000


def _about(fingerprint: str, connection: Redis) -> Mapping[str, Any]:
    group = get_failure_group(fingerprint, hours=1, connection=connection)
    return {"group": group, "title": title_of(group)}

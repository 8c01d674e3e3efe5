"""One group of failures: its trend, what it shares, and how it is mended in three steps."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

import redis
from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from monitoring.api.parts import JsonDict, Looker, Reader
from monitoring.board.drawing import failures_chart, point_of
from monitoring.board.failing import outlook_of, severity_of, stack_of, title_of
from monitoring.board.mended import Form, edits_of, form_of, is_message
from monitoring.board.mended_alike import MOST_OF_CHANGE, change_from
from monitoring.board.page import page
from monitoring.board.standing import Standing
from monitoring.failures import get_failure_group
from monitoring.failures.letters import Letters, newest_letters, what_they_share, whole_letters
from monitoring.failures.trials import Trial, read_trials
from monitoring.numbers.deploys import get_deploys
from workers.dead_letters import DeadLetter
from workers.dead_letters.letter import summary

router = APIRouter(tags=["browser"])

_LOOKED_AT = 5_000  # letters among which those of the group are looked for
_HOURS = 48


@dataclass(frozen=True)
class Steps:
    """How far the mending has come.

    Args:
        trials: What was sent again as a trial.
    """

    trials: Sequence[Trial]

    @property
    def succeeded(self) -> int:
        """How many trials did."""
        return sum(each.outcome == "succeeded" for each in self.trials)

    @property
    def shut(self) -> str:
        """Why the others must not be replayed yet; empty if they may be."""
        outcomes = {each.outcome for each in self.trials}
        if not outcomes:
            return "Opens when a trial has succeeded."
        if "failed" in outcomes:
            return "Stays shut: a trial failed again, and the others would, too."
        if outcomes & {"waits", "runs"}:
            return "Opens when the trial has succeeded; it is under way."
        if "unknown" in outcomes:
            return "Stays shut: what became of the trial is not known any more. Try another."
        return ""


@router.get("/failures/{fingerprint}")
def failure_group(  # noqa: PLR0913, PLR0917 - what is in the address
    request: Request,
    fingerprint: str,
    asker: Looker,
    reader: Reader,
    letter: Annotated[str | None, Query(max_length=200)] = None,
    tried: Annotated[str, Query(max_length=2_000)] = "",
    form: Annotated[Form, Query(alias="as")] = "form",
    change: Annotated[str, Query(max_length=MOST_OF_CHANGE)] = "",
) -> Response:
    """Show a group: its trend, what its messages share, and the steps that mend it."""
    ids = [each for each in tried.split(",") if each]

    def values(found: Standing) -> Mapping[str, Any]:
        told = read(found, fingerprint, letter, ids, form, reader)
        return {**told, "change": change if change_from(change) else ""}

    return page(request, asker, "failure_group.html", values, place="failures")


def read(  # noqa: PLR0913, PLR0917 - what is in the address
    standing: Standing,
    fingerprint: str,
    letter: str | None,
    tried: Sequence[str],
    form: Form,
    connection: redis.Redis,
) -> Mapping[str, Any]:
    """What the page shows.

    Args:
        standing: How things stand.
        fingerprint: Of the group.
        letter: The chosen letter's job; None means the newest.
        tried: Jobs whose letters were replayed as a trial.
        form: How the letter is edited.
        connection: Where it is read.
    """
    group = get_failure_group(fingerprint, hours=_HOURS, now=standing.now, connection=connection)
    letters, whole = _letters(group, connection)
    steps = Steps(read_trials(tried, connection=connection))
    last_hour = sum(each["count"] for each in group["trend"][-2:])
    return {
        "group": group,
        "title": title_of(group),
        "severity": severity_of(last_hour),
        "last_hour": last_hour,
        "outlook": outlook_of(group, standing, dead=letters.count, succeeded=steps.succeeded),
        "chart": _chart(group, standing.now, connection),
        "dead": letters,
        "shares": what_they_share(whole, group["messageType"], connection=connection),
        "stack": stack_of(whole[0].traceback) if whole else (),
        "steps": steps,
        "tried": ",".join(tried),
        **chosen_of(whole, letter, form, connection),
    }


def chosen_of(
    letters: Sequence[DeadLetter], wanted: str | None, form: Form, connection: redis.Redis
) -> JsonDict:
    """The letter that is edited, and the ones before and after it.

    Args:
        letters: Those that can be stepped through.
        wanted: Its job; None means the first.
        form: How it is edited.
        connection: Where it is read if it is none of them.
    """
    ids = [each.job_id for each in letters]
    at = ids.index(wanted) if wanted in ids else 0
    found = letters[at] if letters else None
    if wanted and wanted not in ids:
        found = next(iter(whole_letters([wanted], connection=connection)), found)
    fields = form_of(found, form) if found is not None and is_message(found) else None
    return {
        "letter": found,
        "edits": edits_of(found),
        "at": at,
        "before": ids[at - 1] if at else None,
        "after": ids[at + 1] if at + 1 < len(ids) else None,
        "fields": fields,
        "form": form,
    }


def _letters(group: JsonDict, connection: redis.Redis) -> tuple[Letters, Sequence[DeadLetter]]:
    """What is dead of the group, and a sample; if it is old, what the group itself knows of."""
    fingerprint = group["fingerprint"]
    found = newest_letters(_LOOKED_AT, connection=connection).of(fingerprint)
    if found.count:
        return found, whole_letters(found.sample(), connection=connection)
    named = [each["jobId"] for each in group["jobs"] if each["deadLetter"]]
    whole = [
        each
        for each in whole_letters(named, connection=connection)
        if summary(each).fingerprint == fingerprint
    ]
    return Letters([summary(each) for each in whole], is_cut=bool(whole)), whole


def _chart(group: JsonDict, now: datetime, connection: redis.Redis) -> JsonDict:
    trend = group["trend"]
    marks: dict[int, JsonDict] = {}  # one for an hour, the newest release: words would overlap
    for deploy in get_deploys(connection=connection)[-20:]:
        at = point_of(datetime.fromisoformat(deploy["at"]), trend)
        if at is not None:
            marks[at] = {"i": at, "t": deploy["version"][:8]}
    total = sum(each["count"] for each in trend)
    label = f"{total} failures in the last {len(trend)} hours, hour by hour."
    return failures_chart(trend, label=label, now=now, marks=list(marks.values()))

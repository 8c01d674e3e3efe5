"""Groups of failures as people read them."""

from collections.abc import Iterator, Sequence
from typing import Any

from monitoring.words import number
from postroom.columns import columns, printable

JsonDict = dict[str, Any]

_WIDEST = 60  # characters of a message in a list
_BARS = " ▁▂▃▄▅▆▇█"


def groups_table(page: JsonDict) -> str:
    """A page of the list.

    Args:
        page: As `get_failure_groups` returns it.
    """
    if not page["groups"]:
        return "No such failures."
    rows = [
        (
            each["fingerprint"],
            _state(each),
            each["count"],
            _time(each["lastSeen"]),
            each["messageType"],
            f"{each['errorType'].rpartition('.')[2]}: {each['message']}"[:_WIDEST],
        )
        for each in page["groups"]
    ]
    table = columns(("FINGERPRINT", "STATE", "COUNT", "LAST (UTC)", "TYPE", "ERROR"), rows)
    return f"{table}\nMore: --cursor {page['cursor']}" if page["cursor"] else table


def group_page(group: JsonDict) -> str:
    """One group.

    Args:
        group: As `get_failure_group` returns it.
    """
    return "\n".join(_page(group))


def _page(group: JsonDict) -> Iterator[str]:
    yield printable(f"{group['errorType']}: {group['message']}")
    yield printable(f"  in {group['place'] or 'no function of ours'}, type {group['messageType']}")
    yield (
        f"  {number(group['count'], 'failure')} from {_time(group['firstSeen'])} to "
        f"{_time(group['lastSeen'])} (UTC), in {printable(', '.join(group['queues']))}"
    )
    yield f"  {_state(group)}{_by(group)}"
    counts = [each["count"] for each in group["trend"]]
    yield f"  last {number(len(counts), 'hour')}: {_sparks(counts)} {sum(counts):,} in all"
    rows = [
        (each["version"], each["count"], _time(each["firstSeen"]), _time(each["lastSeen"]))
        for each in group["versions"]
    ]
    yield columns(("VERSION", "COUNT", "FIRST (UTC)", "LAST (UTC)"), rows)
    jobs = [
        (each["jobId"], each["status"] or "-", "yes" if each["deadLetter"] else "no")
        for each in group["jobs"]
    ]
    yield columns(("JOB", "STATUS", "DEAD LETTER"), jobs)


def _state(group: JsonDict) -> str:
    if group["state"] == "fixed":
        return printable(f"fixed in {group['fixedIn']}")
    if group["state"] == "reopened":
        return printable(f"reopened in {group['reopenedIn']}")
    return str(group["state"])


def _by(group: JsonDict) -> str:
    by = group["by"]
    return printable(f", {by['actor']} at {_time(by['at'])}: {by['reason']}") if by else ""


def _sparks(counts: Sequence[int]) -> str:
    most = max(counts, default=0) or 1
    steps = len(_BARS) - 1
    return "".join(_BARS[-(-count * steps // most)] for count in counts)


def _time(moment: str) -> str:
    return moment[:19].replace("T", " ")

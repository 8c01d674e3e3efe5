"""`run demo --once`: one round, every outcome checked, exit code 0 only if all are right."""

import time
from http import HTTPStatus
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

from redis import Redis
from rich.console import Console

from postroom.demo.display import death, outcome, verdict, where_to_look
from postroom.demo.effects import Mails
from postroom.demo.surroundings import Surroundings
from postroom.demo.tracker import Tracker
from postroom.demo.traffic import one_round
from postroom.demo.world import new_world
from workers import JobHandle, JobNotFound, load_settings

_TICK_SECONDS = 0.1
_WORD_SECONDS = 10.0
_DIRECT = build_opener(ProxyHandler({}))
_OK = "[green]ok[/green]   "


def one_checked_round(surroundings: Surroundings, console: Console, *, seconds: float) -> bool:
    """Send one message of each kind and wait until each has had its effect.

    Args:
        surroundings: What runs.
        console: Where to say what is found.
        seconds: How long to wait at most.

    Returns:
        Whether every message ended as it should, and every page answers.
    """
    deadline = time.monotonic() + seconds
    world = new_world(surroundings.backups)
    console.print(f"Run {world.run}: sending a round; each has {seconds:g} s for its effect.")
    with Redis.from_url(surroundings.server.url) as redis:
        tracker = Tracker(redis, load_settings(), Mails(surroundings.mails))
        for expected in one_round(world):
            tracker.send(expected)
        _wait(tracker, surroundings, console, deadline)
        seen = [*tracker.ended, *tracker.waiting.values()]
        console.print("\n[bold]What was asked, and what was found:[/bold]")
        for one in seen:
            console.print(verdict(one, "" if one.has_ended else _status(one.id, redis)))
    pages = [_page(name, url, deadline) for name, url in surroundings.urls.items()]
    for line in pages:
        console.print(line)
    console.print("\nWhere to look:", where_to_look(surroundings), sep="\n")
    right = sum(one.is_right for one in seen)
    console.print(f"\n{right} of {len(seen)} messages ended as they should.", style="bold")
    return right == len(seen) and all(line.startswith(_OK) for line in pages)


def _wait(tracker: Tracker, surroundings: Surroundings, console: Console, deadline: float) -> None:
    reported, next_word = 0, time.monotonic() + _WORD_SECONDS
    while tracker.waiting and (now := time.monotonic()) < deadline:
        for seen in tracker.look():
            console.print(outcome(seen))
        deaths = surroundings.running.deaths()
        for one in deaths[reported:]:
            console.print(death(one))
        reported = len(deaths)
        if now > next_word:
            names = sorted(seen.expected.message.message_type for seen in tracker.waiting.values())
            console.print(f"waiting for {', '.join(names)}; {deadline - now:.0f} s left")
            next_word = now + _WORD_SECONDS
        time.sleep(_TICK_SECONDS)


def _status(job_id: str, redis: Redis) -> str:
    try:
        return JobHandle(job_id, connection=redis).status()
    except JobNotFound:
        return "gone"


def _page(name: str, url: str, deadline: float) -> str:
    while not (answers := _answers(url)) and time.monotonic() < deadline:
        time.sleep(_TICK_SECONDS)
    mark = _OK if answers else "[bold red]WRONG[/bold red]"
    return f"{mark}  {name} {'answers' if answers else 'does not answer'} at {url}"


def _answers(url: str) -> bool:
    try:
        with _DIRECT.open(url, timeout=2) as page:
            return bool(page.status == HTTPStatus.OK)
    except (URLError, OSError):
        return False

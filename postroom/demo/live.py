"""`run demo`: a lively stream until Ctrl-C, drawn as it is found."""

import time

from redis import Redis
from rich.console import Console
from rich.live import Live

from postroom.demo.display import outcome, screen, where_to_look
from postroom.demo.effects import Mails
from postroom.demo.surroundings import Surroundings
from postroom.demo.tracker import Tracker
from postroom.demo.traffic import stream
from postroom.demo.world import new_world
from workers import load_settings

_TICK_SECONDS = 0.25
_A_SECOND = 2.0
_WAITING_AT_MOST = 40
"""With so many on their way nothing is sent: without a worker the stream stops by itself."""


def lively_stream(surroundings: Surroundings, console: Console) -> None:
    """Send messages and show what becomes of them; does not return by itself.

    Args:
        surroundings: What runs.
        console: A terminal is drawn on; anything else gets a line for each outcome.
    """
    world = new_world(surroundings.backups)
    with Redis.from_url(surroundings.server.url) as redis:
        tracker = Tracker(redis, load_settings(), Mails(surroundings.mails))
        messages = stream(world)
        began = time.monotonic()
        if not console.is_terminal:
            console.print(where_to_look(surroundings))
        with Live(console=console, auto_refresh=False, transient=False) as live:
            sent = 0
            while True:
                elapsed = time.monotonic() - began
                if sent < elapsed * _A_SECOND and len(tracker.waiting) < _WAITING_AT_MOST:
                    tracker.send(next(messages))
                    sent += 1
                for seen in tracker.look():
                    if not console.is_terminal:
                        console.print(outcome(seen))
                if console.is_terminal:
                    headline = _headline(surroundings, elapsed)
                    picture = screen(tracker, surroundings, headline, console.height)
                    live.update(picture, refresh=True)
                time.sleep(_TICK_SECONDS)


def _headline(surroundings: Surroundings, elapsed: float) -> str:
    minutes, seconds = divmod(int(elapsed), 60)
    url = surroundings.server.url.rpartition("@")[2].removeprefix("redis://")
    return f"Postroom demo   {minutes}:{seconds:02}   Redis at {url}   Ctrl-C ends everything"

"""`run demo`: a lively stream until Ctrl-C, drawn as it is found."""

import random
import time
from dataclasses import dataclass, field

from redis import Redis
from rich.console import Console
from rich.live import Live

from postroom.demo.display import outcome, screen, where_to_look
from postroom.demo.effects import Mails
from postroom.demo.keyboard import Keyboard, keyboard
from postroom.demo.killing import Killer
from postroom.demo.surroundings import Surroundings
from postroom.demo.tracker import Tracker
from postroom.demo.traffic import build, stream
from postroom.demo.world import World, new_world
from workers import load_settings

_TICK_SECONDS = 0.25
_A_SECOND = 2.0
_BUILDS = 4  # that are sent before a consumer is killed
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
        killer = Killer(redis, load_settings().stream_group)
        if not console.is_terminal:
            console.print(where_to_look(surroundings))
        with (
            keyboard() as keys,
            Live(console=console, auto_refresh=False, transient=False) as live,
        ):
            scene = _Scene(surroundings, world, tracker, killer, keys, live)
            messages, sent = stream(world), 0
            while True:
                if sent < scene.elapsed * _A_SECOND and len(tracker.waiting) < _WAITING_AT_MOST:
                    tracker.send(next(messages))
                    sent += 1
                scene.show()
                time.sleep(_TICK_SECONDS)


@dataclass
class _Scene:
    """What is shown, a tick at a time."""

    surroundings: Surroundings
    world: World
    tracker: Tracker
    killer: Killer
    keys: Keyboard
    live: Live
    began: float = field(default_factory=time.monotonic)

    @property
    def elapsed(self) -> float:
        return time.monotonic() - self.began

    def show(self) -> None:
        console = self.live.console
        for seen in self.tracker.look():
            if not console.is_terminal:
                console.print(outcome(seen))
        if "k" in self.keys.pressed():
            for _ in range(_BUILDS):  # so that whoever dies has something in hand
                self.tracker.send(build(self.world, random.Random()))  # noqa: S311 - variety
            self.killer.ask()
        for line in self.killer.look():
            console.print(line)
        if console.is_terminal:
            headline = _headline(self.surroundings, self.elapsed)
            picture = screen(self.tracker, self.surroundings, headline, console.height)
            self.live.update(picture, refresh=True)


def _headline(surroundings: Surroundings, elapsed: float) -> str:
    minutes, seconds = divmod(int(elapsed), 60)
    url = surroundings.server.url.rpartition("@")[2].removeprefix("redis://")
    keys = "k kills a consumer, Ctrl-C ends everything"
    return f"Postroom demo   {minutes}:{seconds:02}   Redis at {url}   {keys}"

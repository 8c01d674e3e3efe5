"""`run dev`: everything in the Procfile and its logs, without sample data or traffic."""

import time

from rich.console import Console

from postroom.demo.display import death
from postroom.demo.surroundings import Surroundings
from postroom.follow import Followed

_TICK_SECONDS = 0.2


def show_logs(surroundings: Surroundings, console: Console) -> None:
    """Show what the processes write until all of them have died; Ctrl-C ends it before.

    Args:
        surroundings: What runs.
        console: Where to show it.
    """
    followed = Followed([process.log for process in surroundings.running.processes])
    for name, url in surroundings.urls.items():
        console.print(f"{name} is at {url}")
    console.print("Send something from another terminal: .venv/bin/postroom send --help")
    reported = 0
    while reported < len(surroundings.running.processes):
        for line in followed.new_lines():
            console.out(line, highlight=False)
        deaths = surroundings.running.deaths()
        for one in deaths[reported:]:
            console.print(death(one))
        reported = len(deaths)
        time.sleep(_TICK_SECONDS)

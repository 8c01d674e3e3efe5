"""`postroom workers`: stop one."""

from typing import Annotated

import typer

from postroom.acting import Actor, AsJson, Reason, acting
from postroom.printing import answer
from workers.worker_control import stop_worker

app = typer.Typer(help="Stop workers of queues.", no_args_is_help=True)


@app.callback()
def _verbs() -> None:
    # With a callback typer keeps the verb in the command line, even while there is only one.
    pass


@app.command("stop")
def stop(
    name: Annotated[str, typer.Argument(help="A worker, as `postroom info` names it.")],
    reason: Reason,
    actor: Actor = None,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Have a worker end what it runs, take nothing more, and leave."""
    with answer(as_json=as_json) as say:
        stop_worker(name, by=acting(actor, reason))
        say(
            {"success": True, "name": name},
            f"Told {name} to stop: it ends what it runs, and takes nothing more.",
        )

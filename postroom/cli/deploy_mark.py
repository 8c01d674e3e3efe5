"""`postroom deploy-mark`: mark that a release is being deployed, for charts."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from monitoring.answers import shown_time
from postroom.acting import Actor, AsJson, actor_name
from postroom.columns import printable
from postroom.printing import answer
from workers.connection import default_connection, storage_errors
from workers.deploys import mark


def deploy_mark(
    version: Annotated[str, typer.Argument(help="The release, such as a commit or a tag.")],
    note: Annotated[str, typer.Option("--note", help="What is new.")] = "",
    actor: Actor = None,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Mark that a release is being deployed; charts of numbers show it."""
    with answer(as_json=as_json) as say:
        who = actor_name(actor)
        with storage_errors():
            at = mark(version, note=note, actor=who, connection=default_connection())
        time = shown_time(datetime.fromtimestamp(at / 1000, UTC))
        made = {"success": True, "version": version, "at": time, "note": note, "actor": who}
        say(made, f"Marked the deployment of {printable(version)}.")

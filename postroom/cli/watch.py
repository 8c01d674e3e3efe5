"""`postroom watch`: alerts, clean-up and policies for stuck jobs, where no `postroom web` runs."""

import signal

import typer

from monitoring.web.settings import WebSettings
from postroom.acting import ErrorsAsJson
from postroom.printing import answer
from postroom.reader import reader_of
from postroom.signals import end_on_signal
from workers.connection import connect
from workers.loading import load_packages
from workers.settings import load_settings


def watch(as_json: ErrorsAsJson = False) -> None:  # noqa: FBT002
    """Alert people, clean up and resolve what is stuck; for applications that mount the API."""
    from monitoring.duties import Duties  # noqa: PLC0415 - slow to load, as for `web`

    with answer(as_json=as_json):
        settings, engine = WebSettings(), load_settings()
        load_packages(engine.message_packages, setting="MESSAGE_PACKAGES")
        duties = Duties(
            connection=connect(engine),
            settings=settings,
            engine=engine,
            reader=reader_of(settings, engine),
        )
        end_on_signal()
    if not as_json:
        channels = ", ".join(duties.alerter.channels) or "none"
        typer.echo(f"Postroom watches, by {len(duties.alerter.rules)} rules; channels: {channels}")
    with duties:
        signal.pause()

"""The end of a run that comes with a burial: both happen in one step, or neither."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Ending:
    """How a lane ends a run for good.

    Args:
        script: Defines `open_run` in Lua: whether the run is still ours, and what closes it.
        run: What `open_run` takes, as text.
    """

    script: str
    run: str

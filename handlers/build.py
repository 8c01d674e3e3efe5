"""BUILD: runs the steps of a build, a test or a deployment."""

import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from pydantic import JsonValue

from handlers.parts.build_folder import BuildLog, scratch
from handlers.parts.build_process import TooLate, run_command
from handlers.parts.build_steps import Command, admitted
from handlers.parts.files import file_stem
from handlers.parts.once import delivery
from handlers.parts.settings import handler_settings, program_environment
from messages import BuildData, BuildMessage, JsonObject
from workers import Context, PermanentError, handles

_MINUTE = 60.0  # seconds
_NOTHING: JsonObject = {"steps": [], "note": "There was nothing to do: no build_steps."}
_LAST_LINES, _LAST_BYTES = 20, 600  # of the output, in the error, which has room for 1,000
_LONGEST_COMMAND = 200  # characters that are shown of it


@handles(BuildMessage)
def build(message: BuildMessage, context: Context) -> JsonObject:
    """Run the configured steps, one after the other, in a scratch folder.

    A message that has succeeded does not run its steps again. The steps see no variable of the
    worker but PATH and LANG.

    Returns:
        The command, exit code and seconds of each step, the file with their output, and whether
        they ran in the cached folder: while another build is in there, they run in a fresh one.

    Raises:
        PermanentError: If a step is not allowed (then none runs), fails, or takes too long.
        ResourceUnavailable: If this machine has no room for another process.
    """
    settings, data = handler_settings(), message.data
    with delivery(message) as done:
        if done.result is None:  # what ran may be forbidden by now, and has succeeded all the same
            commands = admitted(data.config.build_steps, settings.build_allowed_commands)
            path = settings.build_dir / "logs" / f"{file_stem(message.message_id)}.log"
            done.record(_run(data, commands, path, context) if commands else _NOTHING)
    return done.result or {}


def _run(data: BuildData, commands: Sequence[Command], path: Path, context: Context) -> JsonObject:
    with scratch(data, handler_settings().build_dir) as place, closing(BuildLog(path)) as log:
        if data.config.cache_enabled and not place.is_cached:
            context.log.warning("build_cache_busy", branch=data.branch)
        steps = _Steps(data, place.folder, log, context).run(commands)
        return {"steps": steps, "log": str(path), "cached": place.is_cached}


@dataclass
class _Steps:
    """The steps of one build, under way."""

    data: BuildData
    folder: Path
    log: BuildLog
    context: Context

    def run(self, commands: Sequence[Command]) -> list[JsonValue]:
        deadline = time.monotonic() + self.data.config.timeout_minutes * _MINUTE
        done: list[JsonValue] = []
        for number, command in enumerate(commands, start=1):
            self.context.progress((number - 1) / len(commands), f"step {number} of {len(commands)}")
            done.append(self._run_one(command, deadline))
        return done

    def _run_one(self, command: Command, deadline: float) -> JsonValue:
        begin, last = time.monotonic(), deque[bytes](maxlen=_LAST_LINES)
        shown = _shown(command)
        self.context.log.info("build_step_started", command=shown)
        try:
            code = run_command(
                command,
                folder=self.folder,
                environment=_environment(self.data, self.folder),
                deadline=deadline,
                say=self._keep(last),
            )
        except TooLate:
            minutes = self.data.config.timeout_minutes
            raise PermanentError(
                f"The build took longer than {minutes} min; `{shown}` was ended. Raise "
                "timeout_minutes if that is too short."
            ) from None
        if code:
            output = b"\n".join(last)[-_LAST_BYTES:].decode(errors="replace")
            raise PermanentError(f"`{shown}` {_ended(code)}. Its last lines:\n{output}")
        return {"command": shown, "exitCode": code, "seconds": round(time.monotonic() - begin, 3)}

    def _keep(self, last: "deque[bytes]") -> Callable[[bytes], None]:
        def keep(line: bytes) -> None:
            last.append(line)
            if self.log.write(line):  # the worker's own log must not be flooded either
                self.context.log.info("build_output", line=line.decode(errors="replace"))

        return keep


def _environment(data: BuildData, folder: Path) -> Mapping[str, str]:
    return program_environment() | {
        "HOME": str(folder),
        "BUILD_REPOSITORY": data.repository,
        "BUILD_BRANCH": data.branch,
        "BUILD_COMMIT": data.commit,
        "BUILD_JOB_TYPE": data.job_type,
    }


def _shown(command: Command) -> str:
    whole = " ".join(command)
    return whole if len(whole) <= _LONGEST_COMMAND else f"{whole[:_LONGEST_COMMAND]}…"


def _ended(code: int) -> str:
    return f"was ended by signal {-code}" if code < 0 else f"ended with exit code {code}"

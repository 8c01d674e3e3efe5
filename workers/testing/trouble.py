"""The half of `Postroom` that plans what goes wrong in the next runs of a type."""

from typing import Literal

from messages import Message
from workers.options import whole
from workers.testing.faults import Faults


class Trouble:
    """Errors, deaths of the process and second deliveries, each planned in a line.

    Args:
        faults: Where the plans are kept.
    """

    def __init__(self, faults: Faults) -> None:
        self._faults = faults

    def fail_next(
        self, kind: type[Message], error: Exception | type[Exception], *, times: int = 1
    ) -> None:
        """Let the next calls of a type's handler raise an error instead of running.

        Args:
            kind: The message class.
            error: What is raised.
            times: How many calls, from 1.

        Raises:
            HandlerNotFound: If the type has no handler.
        """
        self._faults.fail(kind, error, whole(times, field="times", least=1))

    def crash_next(
        self,
        kind: type[Message],
        *,
        when: Literal["before", "after"] = "after",
        times: int = 1,
    ) -> None:
        """Let the process die in the next runs of a type: the hard test of an idempotent handler.

        Args:
            kind: The message class.
            when: `after` the handler's effect and before anybody knows of it, or `before` it.
            times: How many runs, from 1; the third crash of a job buries it as `crash_loop`.

        Raises:
            HandlerNotFound: If the type has no handler.
        """
        self._faults.crash(kind, when, whole(times, field="times", least=1))

    def duplicate_next(self, kind: type[Message], *, times: int = 1) -> None:
        """Deliver the next message of a type that succeeds a second time, as a queue may.

        Args:
            kind: The message class.
            times: How many messages, from 1.

        Raises:
            HandlerNotFound: If the type has no handler.
        """
        self._faults.duplicate(kind, whole(times, field="times", least=1))

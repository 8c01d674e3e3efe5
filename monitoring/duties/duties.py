"""What goes on besides answering: people are alerted, and policies followed."""

from types import TracebackType
from typing import Self

from redis import Redis

from monitoring.alerts import Alerter, AlertSettings
from monitoring.duties.janitor import Janitor
from monitoring.duties.warden import Warden
from monitoring.web.settings import WebSettings
from workers.cleanup_policies import read_policies
from workers.settings import Settings, load_settings


class Duties:
    """Done in threads from `start` to `stop`, or within a `with`; nothing is served.

    Of any number of processes that have them one does each, and another one goes on when it dies.

    Args:
        connection: Where actions are done.
        settings: The policies of clean-up; None means those of the environment.
        engine: Queues, limits and policies of what is stuck; None means those of the environment.
        reader: Where it looks, if that is a replica; None means `connection`.
        alerts_settings: Rules and channels; None means those of the environment.

    Raises:
        SettingInvalid: If a policy or a channel cannot be used.
        InvalidRules: If the file of rules cannot be used.
    """

    def __init__(
        self,
        *,
        connection: Redis,
        settings: WebSettings | None = None,
        engine: Settings | None = None,
        reader: Redis | None = None,
        alerts_settings: AlertSettings | None = None,
    ) -> None:
        engine = engine or load_settings()
        policies = read_policies((settings or WebSettings()).cleanup_policies)
        self._janitor = Janitor(policies, connection=connection)
        self._warden = Warden(engine, connection=connection, reading=reader)
        self.alerter = Alerter(
            connection=connection,
            settings=alerts_settings or AlertSettings.load(),
            engine=engine,
            reading=reader,
        )
        """Which also tries channels."""

    def start(self) -> None:
        """Begin, in threads that do not keep the process alive."""
        self.alerter.start()
        self._janitor.start()
        self._warden.start()

    def stop(self) -> None:
        """End after what is under way, and let other processes go on; within half a minute."""
        self.alerter.stop()
        self._janitor.stop()
        self._warden.stop()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

"""An alerter whose webhook is a server of the test."""

import warnings
from collections.abc import Callable, Iterator

import pytest
from apprise import Apprise
from redis import Redis

from monitoring.alerts import Alerter, AlertSettings
from tests.monitoring.alerts.sinks import Hands, Sink
from workers import Settings


@pytest.fixture(scope="session", autouse=True)
def _plugins() -> None:
    """All of Apprise's at once: it takes a second, and an old module of Python warns meanwhile."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        Apprise.instantiate("json://localhost")


SECRET = "whsec_c2VjcmV0IGZvciB0aGUgdGVzdHM="
NewAlerter = Callable[..., Alerter]


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink() as one:
        yield one


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
def alerter(redis: Redis, sink: Sink, hands: Hands) -> NewAlerter:
    """`alerter(alert_waiting=0)`: its clock is `hands`, its only channel `ops` the sink."""

    def _new(
        *, connection: Redis = redis, engine: Settings | None = None, **given: object
    ) -> Alerter:
        chosen = {
            "alert_channels": f"ops={sink.url}/alerts",
            "alert_webhook_secret": SECRET,
            "alert_private_addresses": True,
            **given,
        }
        return Alerter(
            connection=connection,
            settings=AlertSettings(**chosen),
            engine=engine or Settings(),
            clock=hands,
        )

    return _new

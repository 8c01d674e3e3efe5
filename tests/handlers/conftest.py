"""A database of its own for each test: SQLite, and PostgreSQL where TEST_DATABASE_URL is set."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import create_engine, make_url, text

from handlers.parts.database import close_database, database
from handlers.parts.sample import load_sample_data
from handlers.parts.settings import handler_settings
from tests.handlers.effects import count_effects_in
from tests.handlers.processes import Crew
from tests.handlers.servers import MailServer, TextService


@pytest.fixture
def setting(monkeypatch: pytest.MonkeyPatch) -> "Setting":
    """Changes one of the handlers' settings for the rest of the test."""
    return Setting(monkeypatch)


class Setting:
    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch

    def __call__(self, name: str, value: object) -> None:
        self._monkeypatch.setenv(name, str(value))
        handler_settings.cache_clear()


@pytest.fixture(autouse=True)
def own_settings(setting: Setting, tmp_path: Path) -> Iterator[None]:
    """No test reads the settings, the files or the database of another, of any package."""
    close_database()
    setting("MAIL_DIR", tmp_path / "maildir")
    setting("BACKUP_URL", tmp_path / "backups")
    setting("DATABASE_URL", f"sqlite:///{tmp_path}/test.sqlite3")
    setting("BUILD_DIR", tmp_path / "builds")
    setting("BUILD_ALLOWED_COMMANDS", "sh,python3 -c")
    setting("IMAGE_DIR", tmp_path / "images")
    setting("THUMBNAIL_DIR", tmp_path / "thumbnails")
    setting("NO_PROXY", "127.0.0.1")
    yield
    close_database()
    handler_settings.cache_clear()


@pytest.fixture(params=["sqlite", "postgresql"])
def any_database(request: pytest.FixtureRequest, setting: Setting) -> Iterator[str]:
    """Runs the test once on each kind of database; its value is the kind."""
    if request.param == "sqlite":
        yield "sqlite"
        return
    with _own_schema() as url:
        setting("DATABASE_URL", url)
        yield "postgresql"
        close_database()


@contextmanager
def _own_schema() -> Iterator[str]:
    given = os.environ.get("TEST_DATABASE_URL")
    if not given:
        pytest.skip("TEST_DATABASE_URL names no PostgreSQL database")
    url = make_url(given).set(drivername="postgresql+psycopg")
    schema = f"test_{uuid4().hex[:12]}"
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE SCHEMA {schema}"))
    own = url.update_query_dict({"options": f"-csearch_path={schema}"})
    yield own.render_as_string(hide_password=False)
    with engine.connect() as connection:
        connection.execute(text(f"DROP SCHEMA {schema} CASCADE"))
    engine.dispose()


@pytest.fixture(scope="session")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sample data in an SQLite database and its images, made once."""
    folder = tmp_path_factory.mktemp("sample")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DATABASE_URL", f"sqlite:///{folder}/test.sqlite3")
        patch.setenv("IMAGE_DIR", str(folder / "images"))
        handler_settings.cache_clear()
        close_database()  # this is done before the settings of a test
        load_sample_data()
        close_database()
    handler_settings.cache_clear()
    return folder


@pytest.fixture
def sample(loaded: Path) -> None:
    """The sample data is there, and every later change to a row is counted."""
    settings = handler_settings()
    shutil.copytree(loaded / "images", settings.image_dir)
    file = make_url(settings.database_url.get_secret_value()).database
    if file is not None and file.endswith(".sqlite3"):
        shutil.copy(loaded / "test.sqlite3", file)
    else:
        load_sample_data()
    count_effects_in(database())


@pytest.fixture(scope="session")
def crew() -> Crew:
    """Starts real processes that run handlers."""
    return Crew()


@pytest.fixture
def mail_server(setting: Setting) -> Iterator[MailServer]:
    """An SMTP server that takes what it is sent, unless it is told otherwise."""
    with MailServer() as server:
        setting("SMTP_HOST", "127.0.0.1")
        setting("SMTP_PORT", server.port)
        setting("SMTP_TIMEOUT", 5)
        yield server


@pytest.fixture
def text_service(setting: Setting) -> Iterator[TextService]:
    """An HTTP server that stands in for an OpenAI-compatible service."""
    with TextService() as service:
        setting("ROBO_BASE_URL", service.url)
        setting("ROBO_TIMEOUT", 5)
        yield service

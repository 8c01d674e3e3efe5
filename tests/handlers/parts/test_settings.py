from pathlib import Path

import pytest

from handlers.parts.settings import handler_settings
from tests.handlers.conftest import Setting
from workers import InvalidOption


def test_without_any_variable_everything_stays_on_this_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("DATABASE_URL", "MAIL_DIR", "BACKUP_URL", "BUILD_ALLOWED_COMMANDS"):
        monkeypatch.delenv(name)
    handler_settings.cache_clear()

    settings = handler_settings()

    assert settings.database_url.get_secret_value() == "sqlite:///.data/postroom.sqlite3"
    assert (settings.mail_dir, settings.backup_url) == (Path(".data/maildir"), ".data/backups")
    assert (settings.smtp_host, settings.robo_base_url) == (None, None)
    assert settings.notify_targets() == ()
    assert settings.build_allowed_commands == ()


def test_settings_are_read_once() -> None:
    assert handler_settings() is handler_settings()


def test_lists_are_divided_by_commas_but_a_url_is_not(setting: Setting) -> None:
    setting("NOTIFY_URLS", "json://a/?to=x,y, slack://b ,ntfy://c,")
    setting("TEMPLATE_DIRS", "one, two/three")
    setting("BUILD_ALLOWED_COMMANDS", "make, cargo  build,")

    settings = handler_settings()

    assert settings.notify_targets() == ("json://a/?to=x,y", "slack://b", "ntfy://c")
    assert settings.template_dirs == (Path("one"), Path("two/three"))
    assert settings.build_allowed_commands == ("make", "cargo build")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SMTP_PORT", "many"),
        ("SMTP_SECURITY", "some"),
        ("SMTP_TIMEOUT", "0"),
        ("ROBO_BASE_URL", "ftp://host"),
        ("MAIL_FROM", "nobody"),
        ("BUILD_ALLOWED_COMMANDS", "make,cargo build --release"),
    ],
)
def test_a_value_that_cannot_be_used_is_named_and_not_shown(
    setting: Setting, name: str, value: str
) -> None:
    setting(name, value)

    with pytest.raises(InvalidOption, match=name) as caught:
        handler_settings()

    assert caught.value.field == name
    assert f"'{value}'" not in str(caught.value)


def test_secrets_are_not_shown(setting: Setting) -> None:
    for name in ("SMTP_PASSWORD", "ROBO_API_KEY", "NOTIFY_URLS", "DATABASE_URL"):
        setting(name, "hidden-value")

    assert "hidden-value" not in repr(handler_settings())

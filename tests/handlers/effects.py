"""Counts effects by triggers in the database itself, so that no code of ours is its own witness."""

from pathlib import Path

from sqlalchemy import Connection, Engine, text

_TRIGGERS = {
    "exercise": "UPDATE ON exercises",
    "action": "INSERT ON activity_log",
    "inbox": "INSERT ON inbox",
    "note": "UPDATE ON notes",
    "activity": "UPDATE ON activities",
    "user": "INSERT ON users",
    "scanned": "INSERT ON authored_messages",
    "thumbnail": "UPDATE ON attachments",
}
_CONDITIONS = {
    "note": "WHEN (NEW.status = 'COMPLETED')",
    "activity": "WHEN (NEW.status = 'COMPLETED')",
    "thumbnail": "WHEN (NEW.status = 'COMPLETED')",
}


def count_effects_in(engine: Engine) -> None:
    """Count each change from now on."""
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE effects (name TEXT)"))
        for name, moment in _TRIGGERS.items():
            _create_trigger(connection, name, moment)


def _create_trigger(connection: Connection, name: str, moment: str) -> None:
    condition = _CONDITIONS.get(name, "")
    insert = f"INSERT INTO effects VALUES ('{name}');"
    if connection.dialect.name == "sqlite":
        body = f"BEGIN {insert} END"
    else:
        connection.execute(
            text(
                f"CREATE FUNCTION count_{name}() RETURNS trigger LANGUAGE plpgsql "
                f"AS $$ BEGIN {insert} RETURN NULL; END $$"
            )
        )
        body = f"EXECUTE FUNCTION count_{name}()"
    statement = f"CREATE TRIGGER count_{name} AFTER {moment} FOR EACH ROW {condition} {body}"
    connection.execute(text(statement))


def counted(engine: Engine, name: str) -> int:
    """How often an effect has happened."""
    with engine.connect() as connection:
        query = text("SELECT count(*) FROM effects WHERE name = :name")
        return int(connection.scalar(query, {"name": name}) or 0)


def mails_in(maildir: Path) -> list[Path]:
    return [file for part in ("new", "cur") for file in (maildir / part).glob("*")]

"""What can go wrong before any message is sent: servers, ports and the Procfile."""

from pydantic import ValidationError

from messages.errors import PostroomError


class ServerUnavailable(PostroomError):
    """There is no Redis to work with, and none can be started."""

    code = "redis_unavailable"


class DataInUse(PostroomError):
    """Another process has the embedded server's data open and does not answer."""

    code = "data_in_use"


class ProcfileInvalid(PostroomError):
    """The Procfile cannot be read or has a line that cannot be run."""

    code = "invalid_procfile"


class AddressRefused(PostroomError):
    """A server cannot listen where it was told to."""

    code = "address_refused"


class SettingInvalid(PostroomError):
    """A variable of the environment, or a line of `.env`, has a value that cannot be used."""

    code = "invalid_setting"
    remedy_text = "Correct it in the environment or in `.env`; docs/settings.md has the units."


def setting_invalid(error: ValidationError) -> SettingInvalid:
    """What is wrong with a setting, without its value, which may be a secret.

    Args:
        error: What reading the settings raised.
    """
    first = error.errors(include_url=False, include_input=False)[0]
    name = ".".join(str(part) for part in first["loc"]).upper() or None
    return SettingInvalid(
        f"The setting {name or error.title} is wrong: {first['msg']}.", field=name
    )

"""The Lua scripts that must happen whole, loaded from the files beside the code that calls them."""

from functools import lru_cache
from importlib.resources import files


@lru_cache
def script(package: str, name: str) -> str:
    """The text of a script.

    Args:
        package: The package whose folder `lua` holds it, such as `workers`.
        name: Its file name without `.lua`.
    """
    return files(package).joinpath("lua", f"{name}.lua").read_text(encoding="utf-8")

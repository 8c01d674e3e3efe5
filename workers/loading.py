"""Imports the application: the packages that MESSAGE_PACKAGES and HANDLER_PACKAGES name."""

from collections.abc import Iterable
from importlib import import_module
from pkgutil import iter_modules

from workers.errors import InvalidOption


def load_packages(names: Iterable[str], *, setting: str = "HANDLER_PACKAGES") -> None:
    """Import packages, and the modules directly inside them.

    Args:
        names: Dotted names of packages or modules.
        setting: The setting that names them, for the error.

    Raises:
        InvalidOption: If one of them cannot be found.
    """
    for name in names:
        try:
            package = import_module(name)
        except ModuleNotFoundError as error:
            if error.name != name and not name.startswith(f"{error.name}."):
                raise
            raise InvalidOption(
                f"There is no package {name!r} to load.",
                field=setting,
                remedy="Correct the name, or install the package into this environment.",
            ) from error
        for module in iter_modules(getattr(package, "__path__", ())):
            if not module.ispkg:
                import_module(f"{name}.{module.name}")

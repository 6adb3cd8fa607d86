"""``onefold settings``: every setting and its value."""

import re
from typing import Final

from services.runtime.settings import Settings
from services.runtime.terminal import show

_PASSWORD: Final = re.compile(r"(?<=://)([^:/?#@]*):[^/?#]*@|(?<=[?&]password=)[^&]*")


def settings() -> None:
    """List every setting: its variable, what it is now, what it means."""
    now = Settings()
    show(
        ("variable", "now", "meaning"),
        ((variable, shown(getattr(now, name)), meaning) for name, variable, meaning in described()),
    )


def described() -> list[tuple[str, str, str]]:
    """The field, the environment variable and the meaning of each setting."""
    prefix = Settings.model_config.get("env_prefix", "")
    return [(name, f"{prefix}{name}".upper(), field.description or "") for name, field in Settings.model_fields.items()]


def shown(value: object) -> str:
    """The value as people may see it: secrets, and the password in a URL, are asterisks."""
    return "" if value is None else _PASSWORD.sub(lambda found: f"{found[1]}:***@" if found[1] else "***", str(value))

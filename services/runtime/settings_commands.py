"""``onefold settings``: every setting and its value."""

from services.runtime.settings import Settings
from services.runtime.terminal import show


def settings() -> None:
    """List every setting: its variable, what it is now, what it means."""
    now = Settings()
    show(
        ("variable", "now", "meaning"),
        ((variable, _shown(getattr(now, name)), meaning) for name, variable, meaning in described()),
    )


def described() -> list[tuple[str, str, str]]:
    """The field, the environment variable and the meaning of each setting."""
    prefix = Settings.model_config.get("env_prefix", "")
    return [(name, f"{prefix}{name}".upper(), field.description or "") for name, field in Settings.model_fields.items()]


def _shown(value: object) -> str:
    return "" if value is None else str(value)  # a secret shows as asterisks

"""``onefold settings``."""

from rich.console import Console
from rich.table import Table

from services.runtime.settings import Settings


def settings() -> None:
    """List every setting: its variable, what it is now, what it means."""
    now = Settings()
    table = Table("variable", "now", "meaning")
    for name, variable, meaning in described():
        table.add_row(variable, _shown(getattr(now, name)), meaning)
    Console().print(table)


def described() -> list[tuple[str, str, str]]:
    """Each setting's field, its environment variable, and its meaning."""
    prefix = Settings.model_config.get("env_prefix", "")
    return [(name, f"{prefix}{name}".upper(), field.description or "") for name, field in Settings.model_fields.items()]


def _shown(value: object) -> str:
    return "" if value is None else str(value)  # a secret shows as asterisks

import re
from pathlib import Path
from typing import Final

from prometheus_client import Counter, Gauge, Histogram

from services.runtime import errors, metrics
from services.runtime.settings import Settings
from services.runtime.settings_commands import described
from services.worker.core import exit_status

PAGE: Final = (Path(__file__).parents[3] / "docs" / "operations.md").read_text(encoding="utf-8")


def rows_of(section: str) -> list[str]:
    """The rows of the section's table."""
    text = re.split(r"^## ", PAGE.partition(f"\n## {section}\n")[2], maxsplit=1, flags=re.MULTILINE)[0]
    return [line for line in text.splitlines() if line.startswith("| ")][1:]


def test_the_page_lists_every_setting_with_its_default_and_meaning() -> None:
    wanted = []
    for name, variable, meaning in described():
        default = Settings.model_fields[name].default
        shown = "" if default is None else f"`{str(default).lower() if isinstance(default, bool) else default}`"
        wanted.append(f"| `{variable}` | {shown} | {meaning.replace('|', '/')} |")
    assert rows_of("Settings") == wanted


def test_the_page_lists_every_metric_with_its_meaning() -> None:
    wanted = []
    for metric in vars(metrics).values():
        if isinstance(metric, Counter | Gauge | Histogram):
            (family,) = metric.describe()
            name = f"{family.name}_total" if family.type == "counter" else family.name
            wanted.append(f"| `{name}` | {family.type} | {family.documentation} |")
    assert rows_of("Metrics") == wanted


def test_the_page_explains_every_exit_status() -> None:
    known = vars(exit_status) | vars(errors)
    statuses = {str(value) for name, value in known.items() if name.startswith("EXIT_")}
    assert statuses <= {row.split(" | ")[0].strip("| ") for row in rows_of("Exit statuses")}

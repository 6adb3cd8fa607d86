import re
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[3]
TARGETS: Final = re.findall(r"^([a-z]+):.*## ", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)


def test_the_readme_names_the_test_command() -> None:
    assert "make test " in (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "page", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs/contributing.md", "docs/operations.md"]
)
def test_every_make_target_that_a_page_names_is_there(page: str) -> None:
    named = re.findall(r"`?make ([a-z]+)\b", "\n".join(_commands((ROOT / page).read_text(encoding="utf-8"))))
    assert set(named) <= set(TARGETS)


def _commands(text: str) -> list[str]:
    """What a page shows as code."""
    return re.findall(r"`(make [^`]*)`", text) + re.findall(r"^ *(make [a-z]+.*)$", text, re.MULTILINE)

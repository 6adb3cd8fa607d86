"""Links between documents, and from documents to code, lead somewhere."""

import re
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[3]
PAGES: Final = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]
FOLDERS: Final = ("schemas", "projections", "services", "tests")


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as a renderer makes them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_to_a_file_or_heading_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if target.startswith(("http:", "https:")):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), target
        assert not anchor or anchor in anchors(file), target


def test_every_heading_that_the_code_cites_is_there() -> None:
    cited = [
        (file.relative_to(ROOT), *found)
        for folder in FOLDERS
        for file in sorted((ROOT / folder).rglob("*.py"))
        for found in re.findall(r"docs/([a-z-]+\.md)#([\w-]+)", file.read_text(encoding="utf-8"))
    ]
    assert [one for one in cited if one[2] not in anchors(ROOT / "docs" / one[1])] == []

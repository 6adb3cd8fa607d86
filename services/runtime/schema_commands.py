"""``onefold schemas``: the description of events and topics, written to files."""

from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from schemas.export import export as documents
from schemas.export import text


def export(
    directory: Annotated[Path, typer.Argument(help="Where to write; made if it isn't there.", file_okay=False)],
) -> None:
    """Write JSON Schema for every event and an AsyncAPI 3 document for the topics."""
    written = documents(version("onefold"))
    for path, document in written.items():
        target = directory / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text(document), encoding="utf-8")
    Console().print(f"{len(written)} documents in {directory}", highlight=False, soft_wrap=True)

"""``onefold verify``."""

from pathlib import Path
from typing import Annotated

import typer

from services.runtime.settings import Settings


def verify(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="The result as one JSON object.")] = False,
    erased: Annotated[
        Path | None,
        typer.Option(help="Search the servers' files for the values of this file instead, one a line."),
    ] = None,
    folders: Annotated[
        list[Path] | None,
        typer.Option("--in", help="With --erased: a folder to search, with all below it. May be repeated."),
    ] = None,
) -> None:
    """Fold the whole log in memory and compare the tables with it; print the first difference."""
    settings = Settings()
    if erased is not None:
        from services.verify.erased_report import run as search

        raise typer.Exit(search(erased, folders or [settings.data_dir], as_json=as_json))
    from services.verify.main import run

    raise typer.Exit(run(settings, as_json=as_json))

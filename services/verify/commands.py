"""``onefold verify``."""

from typing import Annotated

import typer

from services.runtime.settings import Settings


def verify(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="The result as one JSON object.")] = False,
) -> None:
    """Fold the whole log in memory and compare the tables with it; print the first difference."""
    from services.verify.main import run

    raise typer.Exit(run(Settings(), as_json=as_json))

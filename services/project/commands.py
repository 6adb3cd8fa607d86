"""``onefold worker``."""

from typing import Annotated

import typer

from services.runtime.settings import Settings


def verify(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="The result as one JSON object.")] = False,
) -> None:
    """Fold the whole log in memory and compare the tables with it; print the first difference."""
    from services.project.verify import run  # noqa: PLC0415 - as above

    raise typer.Exit(run(Settings(), as_json=as_json))

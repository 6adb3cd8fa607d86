"""``onefold rebuild``."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from services.rebuild.main import Rebuilt
    from services.runtime.settings import Settings

MomentOption = Annotated[
    str | None, typer.Option(metavar="TIME", help="With its offset from UTC: 2026-03-01T00:00+08:00.")
]


def rebuild(  # noqa: PLR0913 - one an option
    *,
    workers: Annotated[int, typer.Option(min=1, max=64, help="How many worker processes fold the log.")] = 1,
    swap: Annotated[
        bool, typer.Option("--swap", help="Make the new generation the active one, unless something differs.")
    ] = False,
    accept: Annotated[
        list[str] | None, typer.Option(metavar="READ_MODEL", help="One that may differ; may be repeated.")
    ] = None,
    as_of: MomentOption = None,
    known_at: MomentOption = None,
    show_values: Annotated[
        bool, typer.Option("--show-values", help="Print rows that differ in both versions. They are personal data.")
    ] = False,
) -> None:
    """Fold the log into the next generation of the read models beside the active one, and compare the two.

    The active generation serves and is written meanwhile. Interrupted by anything, the same command goes on where it
    was. With --as-of or --known-at the new generation has only the events that had occurred, or had been received, by
    then; it can be read, and never becomes the active one.
    """
    from rich.console import Console

    from projections.engine.generations import Horizon
    from services.embedded.errors import EmbeddedError
    from services.rebuild.core.times import moment_of
    from services.rebuild.main import Options
    from services.rebuild.main import rebuild as build
    from services.rebuild.servers import servers
    from services.rebuild.showing import show_comparison
    from services.runtime.errors import ForeseenError
    from services.runtime.settings import Settings
    from services.runtime.terminal import fail, run

    console = Console(stderr=True)
    try:
        options = Options(workers, Horizon(moment_of(as_of), moment_of(known_at)))
        with servers(Settings(), console) as settings:
            rebuilt = run(lambda: build(settings, options, console))
            if rebuilt.comparison is not None:
                show_comparison(rebuilt.comparison, rebuilt.active.name, rebuilt.building.name, values=show_values)
            _finish(settings, rebuilt, accept or [], swap=swap)
    except EmbeddedError as error:
        fail(str(error), error.exit_status)
    except ForeseenError as error:
        fail(str(error))


def _finish(settings: "Settings", rebuilt: "Rebuilt", accepted: list[str], *, swap: bool) -> None:
    """Note what was accepted, and swap the generations or say how."""
    from services.rebuild.main import accept
    from services.runtime.terminal import fail, run, say

    name = rebuilt.building.name
    if rebuilt.comparison is None:
        say(f"{name} is complete. It is read beside {rebuilt.active.name}, and never becomes the active generation.")
        return
    refused = run(lambda: accept(settings, rebuilt, accepted))
    if refused:
        options = " ".join(f"--accept {one}" for one in refused)
        fail(f"{name} differs from {rebuilt.active.name}. If it should, accept it: onefold rebuild {options} --swap")
    if not swap:
        say(f"{name} is ready. To make it the active generation: onefold generations activate {name}")

"""``onefold rebuild``."""

from typing import TYPE_CHECKING, Annotated, Final

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from services.rebuild.choosing import Options
    from services.rebuild.main import Rebuilt
    from services.runtime.settings import Settings

_INTERRUPTED: Final = 130

MomentOption = Annotated[
    str | None, typer.Option(metavar="TIME", help="With its offset from UTC: 2026-03-01T00:00+08:00.")
]


def rebuild(  # noqa: PLR0913 - one an option
    *,
    workers: Annotated[
        int | None,
        typer.Option(min=1, max=64, help="How many worker processes fold the log. [default: one a processor]"),
    ] = None,
    swap: Annotated[
        bool, typer.Option("--swap", help="Make the new generation the active one, unless something differs.")
    ] = False,
    accept: Annotated[
        list[str] | None, typer.Option(metavar="READ_MODEL", help="One that may differ; may be repeated.")
    ] = None,
    read_model: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Build this one alone; may be repeated.")
    ] = None,
    all_read_models: Annotated[
        bool, typer.Option("--all", help="Build all read models, also if few have changed.")
    ] = False,
    as_of: MomentOption = None,
    known_at: MomentOption = None,
    share: Annotated[
        str | None,
        typer.Option(
            metavar="PERCENT",
            help="How much of the time each worker works: 25%. [default: what the service leaves]",
        ),
    ] = None,
    show_values: Annotated[
        bool, typer.Option("--show-values", help="Print rows that differ in both versions. They are personal data.")
    ] = False,
    of: Annotated[str | None, typer.Option("--of", hidden=True)] = None,
) -> None:
    """Fold the log into the next generation of the read models beside the active one, and compare the two.

    If only read models have changed that can be built alone, they are, and --swap puts them among the others.

    The active generation serves and is written meanwhile. Interrupted by anything, the same command goes on where it
    was. With --as-of or --known-at the new generation has only the events that had occurred, or had been received, by
    then; it can be read, and never becomes the active one.

    While the service is in use, the workers rest between their transactions as often as it needs: see --share.
    """
    from rich.console import Console

    from projections.engine.generation_records import Horizon
    from services.embedded.errors import EmbeddedError
    from services.embedded.own_servers import servers
    from services.rebuild.choosing import Options
    from services.rebuild.core.pacing import FULL, share_of
    from services.rebuild.core.times import moment_of
    from services.rebuild.worker_processes import useful_workers
    from services.runtime.errors import ForeseenError
    from services.runtime.settings import Settings
    from services.runtime.terminal import fail

    console = Console(stderr=True)
    try:
        horizon = Horizon(moment_of(as_of), moment_of(known_at))
        with servers(Settings(), console) as settings:
            build_with = workers or useful_workers(settings)
            chosen = (tuple(accept or ()), tuple(read_model or ()), all_read_models)
            options = Options(build_with, horizon, swap, *chosen, share=share_of(share))
            if of is None and options.share != FULL:
                _pace(settings, options, show_values=show_values)
            else:
                _build(settings, options, console, of, show_values=show_values)
    except EmbeddedError as error:
        fail(str(error), error.exit_status)
    except ForeseenError as error:
        fail(str(error))


def _pace(settings: "Settings", options: "Options", *, show_values: bool) -> None:
    """Have a process of low priority build, by this command with ``--of``, and pace it."""
    import tempfile
    from functools import partial
    from pathlib import Path

    from services.embedded.process import Lease
    from services.rebuild.main import pace_rebuild
    from services.rebuild.worker_processes import start_builder
    from services.runtime.terminal import run

    said = [f"--accept={one}" for one in options.accepted]
    flags = [name for name, given in (("--swap", options.swap), ("--show-values", show_values)) if given]
    arguments = [f"--workers={options.workers}", *flags, *said]
    with tempfile.TemporaryDirectory(prefix="onefold-rebuild-") as folder, Lease(Path(folder)) as lease:
        start = partial(start_builder, settings, arguments=arguments, lease=lease)
        if status := run(lambda: pace_rebuild(settings, options, start)):
            raise typer.Exit(status)


def _build(settings: "Settings", options: "Options", console: "Console", of: str | None, *, show_values: bool) -> None:
    """Build the generation ``of`` this name, at the pace that the process has which has started this one.

    Without one, build the one that is chosen, at full pace.
    """
    from services.rebuild.main import build, rebuild
    from services.rebuild.showing import show_comparison
    from services.runtime.terminal import run

    try:
        rebuilt = run(lambda: build(settings, options, console, of) if of else rebuild(settings, options, console))
    except KeyboardInterrupt:
        if of is None:
            raise
        raise typer.Exit(_INTERRUPTED) from None  # the other process says so
    if rebuilt.comparison is not None:
        show_comparison(rebuilt.comparison, rebuilt.active.name, rebuilt.building.name, values=show_values)
    _say_what_follows(rebuilt)


def _say_what_follows(rebuilt: "Rebuilt") -> None:
    from services.runtime.terminal import fail, say

    name, former = rebuilt.building.name, rebuilt.active.name
    models = rebuilt.building.read_models
    if rebuilt.comparison is None:
        say(f"{name} is complete. It is read beside {former}, and never becomes the active generation.")
    elif rebuilt.refused:
        options = " ".join(f"--accept {one}" for one in rebuilt.refused)
        fail(f"{name} differs from {former}. If it should, accept it by name: onefold rebuild {options} --swap")
    elif rebuilt.activated is None:
        say(f"{name} is ready. To have it read: onefold generations activate {name}")
    elif models is not None:
        say(
            f"{former} has read models of this version now. Built alone: {', '.join(sorted(models)) or 'none'}. "
            f"Writers waited {rebuilt.activated.stopped:.2f} s."
        )
    else:
        say(
            f"{name} is the active generation now; {rebuilt.activated.changes:,} changes of customers were announced, "
            f"and writers waited {rebuilt.activated.stopped:.2f} s."
        )

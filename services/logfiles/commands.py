"""``onefold log export`` and ``onefold log import``."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from services.runtime.errors import ForeseenError
from services.runtime.settings import Settings
from services.runtime.terminal import fail, run, say

log = typer.Typer(help="The log as files: archive it, move it, restore it.", no_args_is_help=True)
Folder = Annotated[Path, typer.Argument(metavar="DIR", help="The folder of the files.")]


@log.command("export")
def export_log(
    folder: Folder,
    *,
    topic: Annotated[
        list[str] | None,
        typer.Option(help="Without the prefix, such as channel-events; may be repeated. Default: all."),
    ] = None,
    append: Annotated[
        bool,
        typer.Option("--append", help="Add a topic that was made again behind the records that the folder has of it."),
    ] = False,
) -> None:
    """Write the log into compressed files with checksums, up to its end at this moment.

    The same command again, whether it was interrupted or the log has grown, adds what the folder does not have yet.
    The files have the personal data of all tenants; only their owner can read them.
    """
    from rich.console import Console

    from services.logfiles.exporting import export
    from services.logfiles.showing import counting, show_topics

    with _servers() as settings, counting("exported", Console(stderr=True)) as counter:
        manifest = run(lambda: export(settings, folder, topic or (), counter.records, append=append))
    show_topics(manifest)
    say(f"{folder} has the personal data of all tenants. To restore it: onefold log import {folder}")


@log.command("import")
def import_log(
    folder: Folder,
    *,
    renumber: Annotated[
        bool, typer.Option("--renumber", help="Records may get other offsets: read models must be folded anew then.")
    ] = False,
    partitions: Annotated[
        int | None, typer.Option(min=1, max=10_000, help="With --renumber: spread records over so many by their keys.")
    ] = None,
    replace: Annotated[
        bool,
        typer.Option("--replace", help="Delete topics first that have nothing but what the files have."),
    ] = False,
) -> None:
    """Check all files, make the topics that are missing, and write each record to the place where it was.

    Stop all services first. A topic must be empty, or have the beginning of what the files have: an import that was
    interrupted goes on by the same command. Read models go on where they were, if they have folded nothing else.
    """
    from rich.console import Console

    from services.logfiles.adoption import adopt
    from services.logfiles.importing import ImportOptions, import_folder
    from services.logfiles.keys import missing_keys
    from services.logfiles.showing import counting, show_topics

    if partitions and not renumber:
        fail("--partitions needs --renumber", 2)
    options = ImportOptions(renumber, partitions, replace)
    with _servers() as settings:
        with counting("imported", Console(stderr=True)) as counter:
            imported = run(lambda: import_folder(settings, folder, options, counter.file, counter.records))
        show_topics(imported.manifest)
        say(f"{counter.files} files are as they were written; {imported.written:,} records were imported.")
        if settings.database and (keys := run(lambda: missing_keys(settings, folder, imported.manifest))):
            say(keys)
        if renumber:
            say("The records have other offsets than before. Fold them into an empty generation:")
            say("onefold migrate --fresh (with `onefold up`: onefold up --fresh)")
        elif settings.database:
            for sentence in run(lambda: adopt(settings, imported)):
                say(sentence)
        else:
            say("ONEFOLD_DATABASE is not set. Set it and run the same command again, so that read models can go on.")


@contextmanager
def _servers() -> Iterator[Settings]:
    """Kafka where the settings name it; else both servers of a data directory on which `up` does not run."""
    from rich.console import Console

    from services.embedded.errors import EmbeddedError
    from services.embedded.own_servers import servers

    settings = Settings()
    if settings.kafka:
        yield settings
        return
    try:
        with servers(settings, Console(stderr=True)) as own:
            yield own
    except (EmbeddedError, ForeseenError) as error:
        fail(str(error))

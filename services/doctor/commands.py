"""``onefold doctor``."""

import os
import sys
from typing import Annotated, Final

import orjson
import typer

from services.runtime.settings import Settings
from services.runtime.terminal import run, say, show

_WORDS: Final = {"ok": "yes", "warning": "so-so", "failed": "NO", "unknown": "?"}


def doctor(
    *,
    everything: Annotated[bool, typer.Option("--all", help="Also what is as it should be.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="All results, one JSON object a line.")] = False,
) -> None:
    """Look at the whole installation and say for each problem what to do; status 1 if something has to be done.

    It looks at settings, PostgreSQL, Kafka, tables, topics, sources, workers and clocks, and changes nothing.
    """
    from services.doctor.main import examine

    settings = Settings()
    found = run(lambda: examine(settings, os.environ))
    if as_json:
        for one in found:
            sys.stdout.write(orjson.dumps(one.as_dict()).decode() + "\n")
    else:
        shown = [one for one in found if everything or one.state != "ok"]
        show(
            ("area", "check", "", "what was found", "what to do"),
            ((one.area, one.check, _WORDS[one.state], one.found, one.advice) for one in shown),
        )
        counted = {state: sum(one.state == state for one in found) for state in _WORDS}
        say(
            f"{len(found)} checks: {counted['ok']} as they should be, {counted['warning']} warnings, "
            f"{counted['failed']} problems, {counted['unknown']} could not be made."
        )
    if any(one.state == "failed" for one in found):
        raise typer.Exit(1)

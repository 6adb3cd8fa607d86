"""``onefold generations``: which read models there are, which of them are read, and deleting one."""

from typing import TYPE_CHECKING, Annotated

import typer

from services.runtime.settings import Settings
from services.runtime.terminal import run, say, show, when

if TYPE_CHECKING:
    from services.control.generations import GenerationProgress

generations = typer.Typer(help="Generations of the read models: each one build of them all.", no_args_is_help=True)
GenerationName = Annotated[str, typer.Argument(help="Its name, as `onefold generations list` shows it.")]


@generations.command("list")
def list_all() -> None:
    """List every generation, and how far each is in the log."""
    from services.control.generations import list_generations

    settings = Settings()
    found = run(lambda: list_generations(settings))
    show(
        ("name", "state", "records folded", "behind", "since", "made by", "changes go to"),
        (
            (
                one.name,
                _state(one),
                f"{one.folded:,}",
                "?" if one.behind is None else f"{one.behind:,}",
                when(one.activated_at or one.created_at),
                "this version" if one.same_code else "another version",
                one.changes or "nobody",
            )
            for one in found
        ),
        empty="There is no generation yet. Make one: onefold migrate",
    )


@generations.command("activate")
def activate_one(
    name: GenerationName,
    *,
    unchecked: Annotated[
        bool, typer.Option("--unchecked", help="Also if it was not compared with the active one.")
    ] = False,
) -> None:
    """Have readers read this generation from now on. No read fails, and none sees two generations at once.

    It has to have caught up with the active one, which stays, is written on, and is activated again by the same
    command. Consumers of customer-changes get what differs in membership as changes, with seq going on.
    """
    from services.control.swapping import activate

    settings = Settings()
    done = run(lambda: activate(settings, name, unchecked=unchecked))
    if done.name != name:
        say(f"{done.name} has the read models of {name} now; writers waited {done.stopped:.2f} s.")
    elif done.former is None:
        say(f"{name} is the active generation already.")
    else:
        say(
            f"{name} is the active generation; {done.changes:,} changes of customers were announced, and writers "
            f"waited {done.stopped:.2f} s. To go back: onefold generations activate {done.former}"
        )


@generations.command("drop")
def drop_one(name: GenerationName) -> None:
    """Delete a generation that is not the active one, with all its rows."""
    from services.control.generations import drop

    settings = Settings()
    run(lambda: drop(settings, name))
    say(f"{name} is deleted.")


def _state(one: "GenerationProgress") -> str:
    limits = [f"{word} {when(time)}" for word, time in (("as of", one.as_of), ("known at", one.known_at)) if time]
    models = [] if one.read_models is None else [f"only {' '.join(one.read_models) or 'former read models'}"]
    pace = [] if one.pace is None else [f"pace {one.pace:.0%}"]
    left_out = [f"{one.left_out:,} customers not compared"] if one.left_out else []
    return ", ".join([one.state, *limits, *models, *pace, *left_out])

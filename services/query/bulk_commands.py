"""``onefold bulk``: change all customers that a filter finds, after a preview and a question; and undo it.

What the commands run is imported when they run: it is slow to import.
"""

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args
from uuid import UUID

import typer

from services.query.asking import AsJson, KeyOption, Url, ask_service, filter_in

if TYPE_CHECKING:
    from services.query.core.job_models import JobView
    from services.query.read_client import ReadClient

bulk = typer.Typer(help="Change all customers that a filter finds, and undo it.", no_args_is_help=True)

ActionFields = dict[str, Any]
TagArgument = Annotated[str, typer.Argument(metavar="TAG", help="The tag.")]
TypeOption = Literal["text", "number", "date", "datetime", "boolean"]
KindOptions = Annotated[
    list[str] | None,
    typer.Option(
        "--kind", metavar="KIND", help="broadcast, web_push or cart_remarketing; may be repeated. Left out: all."
    ),
]


def _of_customers(action_of: Callable[..., ActionFields]) -> Callable[..., ActionFields]:
    """Make a command of what gives an action: it takes the action's parameters, and those of `_have_done`."""

    def command(**given: Any) -> None:
        action = action_of(**{name: given.pop(name) for name in own})
        _have_done(action, **given)

    own = inspect.signature(action_of).parameters
    shared = list(inspect.signature(_have_done).parameters.values())[1:]
    command.__doc__ = action_of.__doc__
    command.__annotations__ = {}
    command.__signature__ = inspect.Signature([*own.values(), *shared])  # type: ignore[attr-defined]  # typer reads it
    bulk.command(action_of.__name__.rstrip("_"))(command)
    return action_of


def _have_done(  # noqa: PLR0913 - one an option
    action: ActionFields,
    *,
    filter_: Annotated[
        str | None, typer.Option("--filter", metavar="JSON|FILE", help="A filter (docs/search.md), or its file.")
    ] = None,
    segment: Annotated[str | None, typer.Option(help="A saved filter instead.")] = None,
    contacts: Annotated[
        Literal["all", "latest", "matching"] | None, typer.Option(help="Which contacts of each (docs/bulk-actions.md).")
    ] = None,
    channel: Annotated[
        list[str] | None,
        typer.Option(metavar="CHANNEL", help="Only contacts on it, such as line; may be repeated."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    url: Url = None,
    key: KeyOption = None,
    as_json: AsJson = False,
) -> None:
    """Show what the action would do, ask, have it done, and wait for the end."""
    if (filter_ is None) == (segment is None):
        raise typer.BadParameter("Give a --filter or a --segment.")
    order = {"filter": {"segment": segment} if filter_ is None else filter_in(filter_), "action": action}
    order |= {name: value for name, value in (("contacts", contacts), ("channels", channel)) if value}

    def ask(client: "ReadClient") -> None:
        from rich.console import Console

        from services.query.showing import say_if_late, show_bulk_preview
        from services.runtime.terminal import say

        if action["do"] == "set" and "type" not in action:
            action["value"] = _typed(action["key"], action["value"], _defined_type(client, action["key"]))
        preview = client.preview_bulk_action(order)
        show_bulk_preview(Console(stderr=as_json), preview)
        say_if_late(preview.as_of)
        if not preview.changed:
            say("There is nothing to change.")
            return
        if not yes:
            typer.confirm(f"Change {preview.changed:,} customers?", abort=True, err=True)
        _wait_for(client, client.start_bulk_action(order, preview.token).job, as_json=as_json)

    ask_service(url, key, ask)


@_of_customers
def tag(
    tag: TagArgument,
    *,
    days: Annotated[int | None, typer.Option(min=1, max=365, help="Take it away after so many days.")] = None,
) -> ActionFields:
    """Tag who does not have the tag."""
    return {"do": "tag", "tag": tag} | ({} if days is None else {"expires_after": days})


@_of_customers
def untag(tag: TagArgument) -> ActionFields:
    """Remove a tag."""
    return {"do": "untag", "tag": tag}


@_of_customers
def set_(
    key_: Annotated[str, typer.Argument(metavar="ATTRIBUTE", help="The key of a custom attribute.")],
    value: Annotated[str, typer.Argument(metavar="VALUE", help="Its value, by the type that it is defined with.")],
    *,
    type_: Annotated[
        TypeOption | None,
        typer.Option(
            "--type",
            metavar="TYPE",
            help=f"The value's, where the attribute is not defined: {', '.join(get_args(TypeOption))}.",
        ),
    ] = None,
) -> ActionFields:
    """Set a custom attribute."""
    action = {"do": "set", "key": key_, "value": _typed(key_, value, type_)}
    return action if type_ is None else action | {"type": type_}


@_of_customers
def unsubscribe(*, kind: KindOptions = None) -> ActionFields:
    """Opt out of marketing. Welcome messages and answers of bots go on."""
    return {"do": "unsubscribe"} | ({"kinds": kind} if kind else {})


@_of_customers
def resubscribe(*, kind: KindOptions = None) -> ActionFields:
    """Opt in to marketing that was refused."""
    return {"do": "resubscribe"} | ({"kinds": kind} if kind else {})


@_of_customers
def bind(
    member: Annotated[str, typer.Argument(metavar="MEMBER", help="The member of staff.")],
    branch: Annotated[str, typer.Argument(metavar="BRANCH", help="The branch.")],
) -> ActionFields:
    """Put a member of staff and a branch in charge, on LINE and WhatsApp."""
    return {"do": "bind", "member": member, "branch": branch}


@bulk.command()
def undo(
    job: Annotated[UUID, typer.Argument(metavar="JOB", help="The job of the bulk action.")],
    *,
    url: Url = None,
    key: KeyOption = None,
    as_json: AsJson = False,
) -> None:
    """Undo a bulk action, within a day of its end. What was changed since by somebody else stays as it is."""
    ask_service(url, key, lambda client: _wait_for(client, client.undo_bulk_action(job), as_json=as_json))


def _wait_for(client: "ReadClient", job: "JobView", *, as_json: bool) -> None:
    """Wait until the job has ended, and show what came of it; status 1 if it failed or was cancelled."""
    from rich.console import Console

    from services.query.job_waiting import require_done, until_ended
    from services.query.showing import show_job_result
    from services.runtime.terminal import say

    say(f"Job {job.id} was started. It goes on if this command is stopped.")
    job = until_ended(client, job)
    if as_json:
        typer.echo(job.model_dump_json())
    else:
        show_job_result(Console(), job)
    for advice in _next_steps(job):
        say(advice)
    require_done(job)


def _next_steps(job: "JobView") -> list[str]:
    """What a person may do now."""
    result = job.result or {}
    steps = []
    if result.get("skipped") and job.file is not None:
        steps.append(f"Who was skipped, and why: onefold jobs download {job.id}")
    if job.kind == "bulk_action" and result.get("changed"):
        steps.append(f"To undo it, within a day: onefold bulk undo {job.id}")
    return steps


def _defined_type(client: "ReadClient", key: str) -> TypeOption | None:
    """The type that a custom attribute is defined with; None for one that is not defined."""
    page = client.attributes(None)
    while True:
        for one in page.attributes:
            if one.key == key:
                return one.type
        if page.next is None:
            return None
        page = client.attributes(page.next)


def _typed(key: str, text: str, as_type: TypeOption | None) -> bool | float | str:
    """The text as a value of the type. Text stays text, and so do dates."""
    import orjson

    if as_type not in {"number", "boolean"}:
        return text
    wanted = bool if as_type == "boolean" else (int, float)
    try:
        value = orjson.loads(text.lower())
    except orjson.JSONDecodeError:
        value = None
    if not isinstance(value, wanted) or isinstance(value, bool) != (as_type == "boolean"):
        raise typer.BadParameter(
            f"{key}: {text} is no {as_type}, such as {'true' if as_type == 'boolean' else '12.5'}."
        )
    return value

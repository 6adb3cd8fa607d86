"""The command `erase`: whom it would erase is shown, then a worker erases the person, and the receipt is saved.

What it runs is imported when it runs: it is slow to import.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from services.query.asking import AsJson, KeyOption, Url, ask_service

if TYPE_CHECKING:
    from services.query.core.erasure_models import ErasureView
    from services.query.read_client import ReadClient

_SCOPES: Final = "customers:erase --scope customers:read"
_PARTS: Final = 3  # of a contact's key


def erase(  # noqa: PLR0913 - one an option
    name: Annotated[
        str,
        typer.Argument(
            metavar="CUSTOMER",
            help="Any id of the customer, or `contact:channel:account:uid`, `member:…`, `phone:…`, `email:…`.",
        ),
    ],
    *,
    contact: Annotated[
        bool,
        typer.Option(
            "--contact", help="CUSTOMER is one contact, `channel:account:uid`; the others of the person stay."
        ),
    ] = False,
    request: Annotated[
        str | None,
        typer.Option(
            metavar="CODE", help="The request for deletion that this answers (`onefold deletions list`); it is closed."
        ),
    ] = None,
    receipt: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where the receipt goes; else erasure-ID.json, here.")
    ] = None,
    preview: Annotated[bool, typer.Option("--preview", help="Only show whom it would erase.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    url: Url = None,
    key: KeyOption = None,
    as_json: AsJson = False,
) -> None:
    """Erase a person for good: show whom, ask, have a worker do it, and save the signed receipt.

    The erasure goes on if this command is stopped.
    """
    if receipt is not None and receipt.exists():
        raise typer.BadParameter(f"{receipt} is there already; choose another name for the receipt.")
    meant = _path_of(name, contact=contact)

    def ask(client: "ReadClient") -> None:
        from rich.console import Console

        from services.query.showing import show_erasure_preview

        found = client.preview_erasure(meant)
        show_erasure_preview(Console(stderr=as_json), found)
        if preview:
            return
        if not yes:
            typer.confirm(f"Erase {len(found.contacts):,} contacts for good?", abort=True, err=True)
        done = _done(client, client.start_erasure(meant, found.token, request))
        _saved(done, receipt or Path(f"erasure-{done.id}.json"), as_json=as_json)

    ask_service(url, key, ask, _SCOPES)


def _path_of(name: str, *, contact: bool) -> str:
    """The path of what is to be erased. Raises BadParameter for what is no contact's key."""
    from urllib.parse import quote

    if not contact:
        return f"/v1/customers/{quote(name, safe='')}"
    parts = name.removeprefix("contact:").split(":", _PARTS - 1)
    if len(parts) != _PARTS or not all(parts):
        raise typer.BadParameter(f"{name}: write a contact as channel:account:uid, such as line:oa-taipei:Uc0ffee.")
    return f"/v1/contacts/{'/'.join(quote(part, safe='') for part in parts)}"


def _done(client: "ReadClient", erasure: "ErasureView") -> "ErasureView":
    """The erasure once it has its receipt; one whose job failed ends the command with what to do."""
    from services.query.job_waiting import require_done, until_ended
    from services.runtime.terminal import say

    say(f"Erasure {erasure.id} was started. It goes on if this command is stopped: onefold erasures show {erasure.id}")
    job = until_ended(client, client.job(erasure.job))
    require_done(job, f"On the server, `onefold erasures retry {erasure.id}` goes on with it.")
    return client.erasure(erasure.id)


def _saved(erasure: "ErasureView", file: Path, *, as_json: bool) -> None:
    """Save the receipt, show it, and say what else has to be done."""
    from rich.console import Console

    from services.query.showing import show_receipt
    from services.runtime.terminal import fail, say

    text = erasure.model_dump_json(indent=2)
    if as_json:
        typer.echo(erasure.model_dump_json())
    else:
        show_receipt(Console(), erasure)
    try:
        with file.open("x", encoding="utf-8") as opened:
            opened.write(f"{text}\n")
    except OSError as error:
        fail(f"{file} can't be written: {error.strerror}. The erasure is done; onefold erasures show {erasure.id}")
    say(f"The receipt, with its signature and the key that checks it, is in {file}. It has no personal data.")
    for step in _next_steps(erasure):
        say(step)


def _next_steps(erasure: "ErasureView") -> list[str]:
    """What a person should do now, by what the receipt says that remains."""
    found = erasure.receipt
    if found is None:
        return []
    steps = []
    if found.generations_behind:
        behind = ", ".join(found.generations_behind)
        steps.append(f"{behind} did not fold the erasure yet: start their workers, or drop them (onefold generations).")
    if "unsealed_log_records" in found.remains:
        steps.append("The log has records of the person that are not sealed, and stay readable; see docs/erasure.md.")
    if "unsent_changes" in found.remains:
        steps.append("Changes that name the person were not in Kafka yet, and will be: see why (onefold doctor).")
    if "events_of_others" in found.remains:
        steps.append("Events of other contacts still name the person. What replaces them is in the log, and counts as")
        steps.append("soon as the workers that read it go on: see why they do not (onefold doctor).")
    steps.append("Delete files that were exported with the person in them, and have receivers of webhooks do the same.")
    steps.append("To look for values that must be gone, on the server: VACUUM and CHECKPOINT in PostgreSQL, then")
    steps.append("onefold verify --erased FILE, where FILE has the person's values, one a line.")
    return steps

"""``onefold resolve``: the core on a file of events, without any server."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape


def resolve(
    events: Annotated[
        Path,
        typer.Argument(metavar="EVENTS.jsonl", help="Canonical events, one JSON object a line; - is standard input."),
    ],
    policy: Annotated[Path | None, typer.Option(help="A policy to try, a JSON file.")] = None,
    tenant: Annotated[str, typer.Option(help="Whose events are that name no tenant.")] = "demo",
    as_json: Annotated[  # noqa: FBT002 - typer's way
        bool, typer.Option("--json", help="All customers and refused links as one JSON object on standard output.")
    ] = False,
) -> None:
    """Who is who in a file of events: try identity rules on your own history, without any server.

    A policy is a JSON object, for example
    {"default_region": "HK", "shared_device_limit": 5, "also_blocked": ["vip-?[0-9]+"], "types": {"phone":
    {"claimed": null, "limit": 4}, "x_card": {"verified": 1, "claimed": 3, "limit": 5, "exclusive": {"scope": "tenant",
    "guards": 2}}}}; what it leaves out is as in the default policy.

    In it, verified and claimed are tiers (1 the strongest, null makes no link); limit is how many contacts may hold a
    value before it is generic; exclusive says that one person has one of its scope (tenant, or prefix for values such
    as provider:UID) and stops links of tier guards and weaker (0: of every tier). blocked replaces the list of values
    that are nobody's, also_blocked adds to it: regular expressions, matched whole and in any case.

    Without a policy file the latest tenant.policy_set among the events counts, else the default. Lines that are no
    events are told and passed over; the exit status is 1 if no line was one.
    """
    from services.dryrun.main import Unusable, run

    try:
        run(events, policy, tenant, as_json=as_json)
    except Unusable as error:
        Console(stderr=True).print(escape(str(error)), highlight=False, soft_wrap=True)
        raise typer.Exit(1) from None

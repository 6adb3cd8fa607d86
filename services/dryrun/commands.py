"""``onefold resolve``."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape


def resolve(
    events: Annotated[
        Path,
        typer.Argument(metavar="EVENTS.jsonl", help="Canonical events, one JSON object per line; - is standard input."),
    ],
    policy: Annotated[Path | None, typer.Option(help="A JSON file with the policy to try.")] = None,
    tenant: Annotated[str, typer.Option(help="The tenant of events that name none.")] = "demo",
    *,
    as_json: Annotated[
        bool, typer.Option("--json", help="All customers, refused links and values set aside as one JSON object.")
    ] = False,
) -> None:
    """Resolve the customers in a file of events: try identity rules on your own history, without any server.

    A policy is a JSON object, for example
    {"default_region": "HK", "shared_device_limit": 5, "also_blocked": ["vip-?[0-9]+"], "types": {"phone":
    {"claimed": null, "limit": 4}, "x_card": {"verified": 1, "claimed": 3, "limit": 5, "exclusive": {"scope": "tenant",
    "guards": 2}}}}; what it leaves out is taken from the default policy.

    verified, stated and claimed are tiers, by who vouches for the value: the channel or a code, the brand's own
    systems, or anybody. 1 is the strongest; null makes no link. limit is how many people may hold a value, and
    claimed_limit how many may claim it; with more, the value is generic and makes no link. exclusive means that one
    person has only one value per scope (tenant, or prefix for values such as provider:UID); it stops links of tier
    guards and weaker tiers (0: of every tier). blocked replaces the lists of values that belong to nobody;
    also_blocked adds to them. Both are regular expressions (RE2), matched against the whole value, ignoring case.
    phones is valid, or possible to take numbers that only have the right length.

    Without --policy, the latest tenant.policy_set among the events is used, or else the default policy. Lines that are
    not events are reported and skipped. The exit status is 1 if no line was an event.
    """
    from services.dryrun.main import Unusable, run

    try:
        run(events, policy, tenant, as_json=as_json)
    except Unusable as error:
        Console(stderr=True).print(escape(str(error)), highlight=False, soft_wrap=True)
        raise typer.Exit(1) from None

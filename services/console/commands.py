"""``onefold console``: what people need to get into the console."""

from typing import Annotated, Literal

import typer

from services.console.oidc_commands import oidc, service_address
from services.runtime.settings import Settings
from services.runtime.terminal import on_database, say

console = typer.Typer(help="The web console.", no_args_is_help=True)
console.add_typer(oidc, name="oidc")


@console.callback()
def _console() -> None:
    """The web console."""


@console.command("link")
def link(
    tenant: Annotated[str, typer.Argument(help="The tenant whose customers are shown.")],
    *,
    role: Annotated[
        Literal["viewer", "agent", "marketer", "admin", "operator"],
        typer.Option(
            metavar="ROLE",
            help="What may be done after signing in, as a viewer, agent, marketer, admin or operator.",
        ),
    ] = "viewer",
    name: Annotated[str, typer.Option(help="Who it is for: the audit trail shows it. The role, if left out.")] = "",
    url: Annotated[
        str | None,
        typer.Option(help="Where the HTTP service is reached; left out: ONEFOLD_PUBLIC_URL, or where `up` runs it."),
    ] = None,
) -> None:
    """Make a link that signs in once, within an hour."""
    from services.console.core.roles import SCOPES_OF
    from services.control.console_sessions import add_link

    settings = Settings()
    secret = on_database(settings, lambda engine: add_link(engine, tenant, SCOPES_OF[role], name or role))
    at = url.rstrip("/") if url else service_address(settings)
    say(f"Signs in to {tenant} as {role}, once and within an hour:")
    typer.echo(f"{at}/console/link/{secret}")

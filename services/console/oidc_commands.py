"""``onefold console oidc``: with which OpenID provider the people of a tenant sign in."""

import os
import sys
from typing import TYPE_CHECKING, Annotated, Final

import typer

from services.runtime.settings import Settings
from services.runtime.terminal import fail, on_database, run, say, setting, show, when

if TYPE_CHECKING:
    from services.control.oidc_providers import OidcProvider

oidc = typer.Typer(help="Signing in with a company's OpenID provider.", no_args_is_help=True)
TenantArgument = Annotated[str, typer.Argument(help="The tenant whose people sign in.")]
_BACK: Final = "/console/oidc/callback"


@oidc.command("set")
def set_provider(  # noqa: PLR0913 - a provider's facts
    tenant: TenantArgument,
    *,
    issuer: Annotated[str, typer.Option(help="The provider's issuer, https://…")],
    client_id: Annotated[str, typer.Option(help="The id that the provider gave this client.")],
    role: Annotated[
        list[str],
        typer.Option(help="ROLE=CLAIM:VALUE: who has the value is viewer, agent, marketer or admin; may be repeated."),
    ],
    secret_env: Annotated[str | None, typer.Option(help="Variable with the client's secret.")] = None,
    secret_stdin: Annotated[bool, typer.Option("--secret-stdin", help="The client's secret from stdin.")] = False,
    scope: Annotated[list[str] | None, typer.Option(help="A further scope to ask for; may be repeated.")] = None,
    ask: Annotated[str, typer.Option(help="Whom to ask for a role, as the page says it.")] = "",
    any_email: Annotated[
        bool, typer.Option("--any-email", help="Accept addresses that the provider does not call verified.")
    ] = False,
) -> None:
    """Set the provider of a tenant, in place of the one it had. Who signed in with it signs in again.

    The highest role that fits counts. --role admin=groups:console-admins looks for a group; where the provider sends no
    groups, --role viewer=hd:example.com or --role admin=email:amy@example.com.
    """
    from services.control.oidc_providers import OidcProvider
    from services.control.oidc_providers import set_provider as save
    from services.runtime.secrets import seal

    settings = Settings()
    master = setting(lambda: settings.master_key)
    secret = _secret(secret_env, from_stdin=secret_stdin)
    provider = OidcProvider(
        tenant,
        issuer.strip(),
        client_id.strip(),
        seal(master, secret.encode()) if secret else None,
        tuple(scope or ()),
        tuple(_rule(one) for one in role),
        ask.strip(),
        any_email,
    )
    on_database(settings, lambda engine: save(engine, provider))
    say(f"People of {tenant} sign in with {provider.issuer}.")
    say(f"Enter there as the redirect address: {_address(settings)}")
    _check(provider)


@oidc.command("show")
def show_provider(tenant: TenantArgument) -> None:
    """The provider of a tenant, without its secret."""
    from services.control.oidc_providers import find_provider

    settings = Settings()
    found = on_database(settings, lambda engine: find_provider(engine, tenant))
    if found is None:
        fail(f"the tenant {tenant!r} has no OpenID provider; `onefold console oidc set --help` says how to set one")
    facts = (
        ("issuer", found.issuer),
        ("client id", found.client_id),
        ("secret", "kept" if found.sealed_secret else "none"),
        ("scopes", " ".join(found.scopes)),
        ("ask", found.ask),
        ("addresses", "any" if found.any_email else "verified ones"),
        ("changed", when(found.changed_at)),
        ("redirect address", _address(settings)),
        *((f"role {role}", f"{claim}: {value}") for role, claim, value in found.rules),
    )
    show(("fact", "value"), facts)


@oidc.command("remove")
def remove_provider(tenant: TenantArgument) -> None:
    """Remove the provider of a tenant. Who signed in with it is signed out."""
    from services.control.oidc_providers import remove_provider as remove

    on_database(Settings(), lambda engine: remove(engine, tenant))
    say(f"People of {tenant} sign in with keys and links alone.")


def _check(provider: "OidcProvider") -> None:
    from services.console.adapters.openid import OpenIdClient, ProviderUnavailable

    async def ask() -> str:
        try:
            await OpenIdClient().addresses(provider.issuer)
        except ProviderUnavailable as error:
            return f"It is kept, but nobody can sign in yet: {error}."
        return "The provider answers."

    say(run(ask))


def service_address(settings: Settings) -> str:
    """Where browsers reach the console: as it is set, else where `up` runs it, else on this machine."""
    beside = os.environ.get("ONEFOLD_URL")
    return (settings.public_url or beside or f"http://127.0.0.1:{settings.port}").rstrip("/")


def _address(settings: Settings) -> str:
    return service_address(settings) + _BACK


def _rule(text: str) -> tuple[str, str, str]:
    from services.console.core.roles import ROLES

    role, _, rest = text.partition("=")
    claim, _, value = rest.partition(":")
    if role not in ROLES or not claim or not value:
        fail(f"a role is given as ROLE=CLAIM:VALUE, such as admin=groups:console-admins; roles are {', '.join(ROLES)}")
    return role, claim.strip(), value.strip()


def _secret(variable: str | None, *, from_stdin: bool) -> str | None:
    if from_stdin:
        return sys.stdin.readline().strip() or fail("stdin has no secret")
    if variable is None:
        return None
    return os.environ.get(variable, "").strip() or fail(f"{variable} is not set, or is empty")

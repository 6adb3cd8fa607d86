"""``onefold sources``: the channel accounts whose webhooks come in, from the command line."""

import os
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import typer

from services.runtime.settings import Settings
from services.runtime.terminal import TenantOption, fail, on_database, say, setting, show, when

if TYPE_CHECKING:  # heavy
    from sqlalchemy.ext.asyncio import AsyncEngine

    from schemas.events import Event
    from services.control.source_options import SourceOptions
    from services.control.source_service import SourceDraft, SourceService
    from services.control.sources import Source

sources = typer.Typer(help="Channel accounts whose webhooks come in.", no_args_is_help=True)

NameArgument = Annotated[str, typer.Argument(help="The source's name.")]
NameOption = Annotated[str | None, typer.Option("--name", help="Its name for people.")]
RateOption = Annotated[
    float | None, typer.Option("--rate", help="Most requests a second, in place of ONEFOLD_SOURCE_RATE.")
]
SignedLoginsOption = Annotated[
    Literal["optional", "required"] | None,
    typer.Option("--signed-logins", help="web: whether a login that comes with the public key has to be signed."),
]
SecretEnv = Annotated[list[str] | None, typer.Option(help="Variable with a secret; may be repeated.")]
SecretStdin = Annotated[bool, typer.Option("--secret-stdin", help="Secrets from stdin, one a line.")]
_SIGNING: Final = (
    "Your server signs a login with it, so that the page's login is proven. It is the hex HMAC-SHA256 of the user id,\n"
    '  hmac.new(LOGIN_SECRET.encode(), USER_ID.encode(), "sha256").hexdigest()\n'
    "and the page sends it: analytics.identify(USER_ID, traits, {context: {identityHash: HASH}})."
)
_NOT_PUBLISHED: Final = (
    "the change is kept, but Kafka has not acknowledged its event ({error}): give the same command again"
)


@sources.command("add")
def add_source(  # noqa: PLR0913 - a source's facts
    channel: Annotated[
        str, typer.Argument(help="line; web; meta for all that one app of Meta's has; facebook, instagram, whatsapp.")
    ],
    source: Annotated[str, typer.Argument(help="A name of your choice; it becomes part of the webhook's URL.")],
    *,
    tenant: Annotated[str, typer.Option(help="Whose it is.")],
    account: Annotated[
        str | None, typer.Option(help="The account as contacts shall show it; left out, the one each webhook names.")
    ] = None,
    provider: Annotated[
        str | None, typer.Option(help="LINE's provider, or Meta's portfolio, that the account belongs to.")
    ] = None,
    name: NameOption = None,
    secret_env: SecretEnv = None,
    secret_stdin: SecretStdin = False,
    verify_token_env: Annotated[
        str | None, typer.Option(help="Meta: variable with the verify token; left out, one is made up.")
    ] = None,
    sender: Annotated[
        list[str] | None, typer.Option(help="Meta: APP_ID=PURPOSE of an app that sends for you; may be repeated.")
    ] = None,
    rate: RateOption = None,
    signed_logins: SignedLoginsOption = None,
) -> None:
    """Connect a channel's account; its secret signs the webhooks, and never stands on the command line.

    A website gets two write keys and a login secret, which are printed this once.
    """
    from services.control.source_service import SourceDraft

    options = _options(name=name, senders=_senders(sender or []), rate=rate, signed_logins=signed_logins)
    if channel == "web":
        if provider or verify_token_env or sender:
            fail("a website has no --provider, --verify-token-env or --sender")
        own = _secrets(secret_env or [], from_stdin=secret_stdin) if secret_env or secret_stdin else []
        _add_site(SourceDraft(source, tenant, channel, account, secrets=tuple(own), options=options))
        return
    if signed_logins:
        fail("--signed-logins is for websites")
    draft = SourceDraft(
        source,
        tenant,
        channel,
        account,
        provider,
        tuple(_secrets(secret_env or [], from_stdin=secret_stdin)),
        _variable(verify_token_env) if verify_token_env else None,
        options,
    )
    _change(lambda service: service.connect(draft))
    say(f"Source {source} is connected. For the channel's console, and for `onefold sources doctor {source}` to test:")
    _show_console_settings(source)


@sources.command("list")
def list_sources(*, tenant: TenantOption = None) -> None:
    """Every source, without its secrets."""
    from services.control import sources as service
    from services.control.channel_consoles import webhook_path

    found = on_database(Settings(), lambda engine: service.list_sources(engine, tenant))
    show(
        ("source", "tenant", "channel", "account", "provider", "secrets", "disabled", "webhook"),
        (
            (
                s.source,
                s.tenant,
                s.channel,
                s.account or "",
                s.provider or "",
                str(len(s.sealed_secrets)),
                when(s.disabled_at),
                webhook_path(s),
            )
            for s in found
        ),
        empty="There is no source yet. `onefold sources add --help` says how to connect a channel.",
    )


@sources.command("show")
def show_source(source: NameArgument) -> None:
    """A source, and what to enter in its channel's console."""
    found = _source(source)
    senders = ", ".join(f"{app} {purpose}" for app, purpose in found.options.senders.items())
    facts = {
        "tenant": found.tenant,
        "channel": found.channel,
        "account": found.account or "as each webhook names it",
        "provider": found.provider or "",
        "name": found.options.name or "",
        "secrets": str(len(found.sealed_secrets)),
        "senders": senders,
        "signed logins": found.options.signed_logins if found.channel == "web" else "",
        "rate": "" if found.options.rate is None else f"{found.options.rate:g} a second",
        "changed": when(found.changed_at),
        "disabled": when(found.disabled_at),
    }
    show(("source", source), facts.items())
    _show_console_settings(source)


@sources.command("change")
def change_source(
    source: NameArgument,
    *,
    name: NameOption = None,
    rate: RateOption = None,
    signed_logins: SignedLoginsOption = None,
) -> None:
    """Change a source's options; what is left out stays."""
    given = {"name": name, "rate": rate, "signed_logins": signed_logins}
    changed = {option: value for option, value in given.items() if value is not None}
    if not changed:
        fail("give what is to be changed; see `onefold sources change --help`")
    if signed_logins and _source(source).channel != "web":
        fail("--signed-logins is for websites")

    def change(before: "Source") -> "Source":
        return replace(before, options=_options(**before.options.model_dump() | changed))

    _change(lambda service: service.change(source, None, change))
    say(f"Source {source} is changed; it works so within 2 seconds.")


@sources.command("rotate")
def rotate_secret(
    source: NameArgument,
    *,
    secret_env: Annotated[str | None, typer.Option(help="Variable with the new secret.")] = None,
    secret_stdin: SecretStdin = False,
    drop_old: Annotated[bool, typer.Option("--drop-old", help="Keep the newest secret alone.")] = False,
) -> None:
    """Add a new secret beside the old one; when the channel signs with it, drop the old one by --drop-old.

    A website's secret signs its logins; without one given, a new one is made up and printed this once.
    """
    given = _secrets([secret_env] if secret_env else [], from_stdin=secret_stdin) if secret_env or secret_stdin else []
    made_up = None
    is_site = _source(source).channel == "web"
    if is_site and not given and not drop_old:
        from services.control.sites import new_login_secret

        made_up = new_login_secret()
        given = [made_up.encode()]
    if len(given) > 1 or not (given or drop_old):
        fail("give the one new secret by --secret-env or --secret-stdin, or --drop-old")
    secret = given[0] if given else None
    # A secret that is made up is another one each time: the same command again would drop the one in use.
    changed = _change(
        lambda service: service.rotate(source, None, secret, keep=1 if drop_old else 2), publishing=made_up is None
    )
    what = "logins" if is_site else "webhooks"
    say(f"Within 2 seconds, {source} takes {what} signed with {_counted(len(changed.sealed_secrets), 'secret')}.")
    if made_up:
        say(f"Its new login secret, which is not shown again. {_SIGNING}")
        typer.echo(made_up)
        _publish_site(source)


@sources.command("disable")
def disable_source(source: NameArgument) -> None:
    """Answer the source's webhooks with 404 until it is enabled again."""
    _change(lambda service: service.disable(source, None))
    say(f"Source {source} is disabled; what the channel sends meanwhile is lost, unless it sends it again.")


@sources.command("enable")
def enable_source(source: NameArgument) -> None:
    """Take webhooks in again."""
    _change(lambda service: service.enable(source, None))
    say(f"Source {source} is enabled.")


@sources.command("remove")
def remove_source(source: NameArgument) -> None:
    """Forget the source and its secrets; what it brought in stays."""
    _change(lambda service: service.remove(source, None))
    say(f"Source {source} is removed. Remove its webhook in the channel's console, too.")


def _add_site(draft: "SourceDraft") -> None:
    from services.control.sites import connect_site
    from services.control.write_keys import USES

    if draft.account is None:
        fail("a website needs --account, which its contacts shall show")
    settings = Settings()
    master = setting(lambda: settings.master_key)
    made = on_database(settings, lambda engine: connect_site(engine, master, draft))
    say(f"Source {draft.source} is added. Keep these now: they are not shown again.")
    login = [("login secret", made.login_secret)] if made.login_secret else []
    show(("for", "keep"), [("public write key", made.public_key), ("server write key", made.server_key), *login])
    say(f"Public write key: {USES['public']}")
    say(f"Server write key: {USES['server']}")
    say(f"Login secret: {_SIGNING}")
    _publish_site(draft.source)


def _publish_site(name: str) -> None:
    """Publish the source's event. Last, and without failing: what was printed can't be printed again."""
    from services.control.source_service import publish_source
    from services.runtime.publishing import NotPublished
    from services.vault.publishing import publish

    settings = Settings()
    if not settings.kafka:
        say(f"ONEFOLD_KAFKA is not set, so the log was not told: with it, `onefold sources enable {name}` does so.")
        return
    try:
        on_database(settings, lambda engine: publish_source(engine, name, lambda event: publish(settings, event)))
    except NotPublished as error:
        say(f"Kafka has not acknowledged its event ({error}): `onefold sources enable {name}` says it again.")


def _change(work: "Callable[[SourceService], Awaitable[Source]]", *, publishing: bool = True) -> "Source":
    """The source as the work leaves it. Its event is in the log then, else the command fails with what to do.

    Without ``publishing`` the event is the caller's business, for work that must not be done twice.
    """
    from services.control.source_service import SourceService
    from services.runtime.publishing import NotPublished
    from services.vault.publishing import publish

    settings = Settings()
    master = setting(lambda: settings.master_key)

    async def publish_if_configured(event: "Event") -> None:
        if settings.kafka and publishing:
            await publish(settings, event)

    try:
        changed = on_database(settings, lambda engine: work(SourceService(engine, master, publish_if_configured)))
    except NotPublished as error:
        fail(_NOT_PUBLISHED.format(error=error))
    if publishing and not settings.kafka:
        say("ONEFOLD_KAFKA is not set, so the log was not told; give the same command again with it.")
    return changed


def _source(name: str) -> "Source":
    from services.control.sources import own_source

    return on_database(Settings(), lambda engine: own_source(engine, name, None))


def _show_console_settings(name: str) -> None:
    from services.control.channel_consoles import console_settings
    from services.control.source_service import opened_verify_token
    from services.control.sources import own_source

    settings = Settings()
    master = setting(lambda: settings.master_key)

    async def find(engine: "AsyncEngine") -> list[tuple[str, str]]:
        source = await own_source(engine, name, None)
        return console_settings(source, settings.public_url, opened_verify_token(master, source))

    if found := on_database(settings, find):
        show(("in the channel's console", "enter"), found)


def _options(**given: Any) -> "SourceOptions":
    from pydantic import ValidationError

    from services.control.source_options import SourceOptions

    try:
        return SourceOptions(**{option: value for option, value in given.items() if value is not None})
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        fail(f"{first['loc'][0]}: {first['msg']}")


def _senders(given: Sequence[str]) -> dict[str, str]:
    pairs = [one.partition("=") for one in given]
    if not all(app and purpose for app, _, purpose in pairs):
        fail("a sender is given as APP_ID=PURPOSE, such as 1234567890=broadcast")
    return {app: purpose for app, _, purpose in pairs}


def _variable(name: str) -> str:
    value = os.environ.get(name, "").strip()
    if not value:
        fail(f"{name} is not set, or is empty")
    return value


def _secrets(variables: list[str], *, from_stdin: bool) -> list[bytes]:
    lines = [line.strip() for line in sys.stdin] if from_stdin else []
    found = [_variable(name).encode() for name in variables] + [line.encode() for line in lines if line]
    if not found:
        fail("give the channel's secret by --secret-env VARIABLE or --secret-stdin; never as an argument")
    return found


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"either of {count} {noun}s"

"""Channels: how each is doing, connecting one, testing it, and changing its secrets and keys."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from pydantic import ValidationError
from starlette.responses import Response

from services.console.core import channel_views
from services.console.core.channel_views import CHANNELS, CONNECT, KINDS
from services.console.http.commands import ingress_of
from services.console.http.pages import PageRoute
from services.console.http.visits import SentFields, Visit, query_of, redirect
from services.control.channel_consoles import console_settings
from services.control.errors import ControlError, InvalidName, NameTaken, UnknownKey, UnknownSite, UnknownSource
from services.control.sites import SiteCredentials, connect_site, new_login_secret
from services.control.source_activity import activity_of
from services.control.source_service import opened_verify_token
from services.control.sources import Source, list_sources, own_source
from services.control.write_keys import add_write_key, list_write_keys, revoke_write_key
from services.ingress.core.source_health import SourceHealth, health_of, without_source
from services.ingress.handlers.doctor import examine_within, tested_source
from services.ingress.http.source_shapes import NewSource
from services.ingress.ports import LogUnavailable
from services.runtime.api import Access
from services.runtime.problems import NOT_FOUND, Problem

OPERATIONS: Final = "/console/operations"
READING_OPERATIONS: Final = Access("admin", recorded=False)
CHANGING_OPERATIONS: Final = Access("admin")
_TESTING: Final = Access("admin", 10.0)
_FIELDS: Final = ("source", "account", "provider", "name")


class ShownSource(NamedTuple):
    """A source with its health, in words."""

    source: Source
    health: SourceHealth
    words: channel_views.HealthWords
    name: str


async def show_channels(visit: Visit) -> Response:
    """The channels, each with what came from it; without any, the way to connect one."""
    engine, now = ingress_of(visit).engine, _now(visit)
    sources = await list_sources(engine, visit.tenant)
    activity = await activity_of(engine, visit.tenant)
    others = without_source(activity, [one.source for one in sources], now)
    shown = [_shown(visit, one, health_of(one.source, activity, now, disabled=_off(one))) for one in sources]
    if not shown and not others:
        return redirect(CONNECT)
    return visit.page("operations/channels.html", sources=shown, others=others, bars=channel_views.bars)


async def choose_channel(visit: Visit) -> Response:
    """The kinds of channels, and the form of the one that was chosen."""
    channel = query_of(visit.request).one("channel")
    return _form(visit, channel if channel in KINDS else "", SentFields([]), "")


async def connect_channel(visit: Visit) -> Response:
    """Connect a channel, and say what to enter in its console. A website's keys are shown this once."""
    form = await visit.form()
    channel = form.one("channel")
    try:
        draft = NewSource.model_validate(_draft(form)).wanted(visit.tenant)
        ingress = ingress_of(visit)
        if channel != "web":
            connected = await ingress.source_service.connect(draft)
            return redirect(f"{CHANNELS}/{connected.source}")
        made = await connect_site(ingress.engine, ingress.settings.master_key, draft)
    except ValidationError as error:
        return _form(visit, channel, form, _problem_of(visit, error))
    except InvalidName:
        return _form(visit, channel, form, visit.say("The secret is too short or too long."))
    except NameTaken:
        return _form(visit, channel, form, visit.say("This name is taken. Choose another one."))
    except LogUnavailable:
        problem = visit.say("The channel is kept, but Kafka could not be reached. Send the form again in a moment.")
        return _form(visit, channel, form, problem, 503)
    source = await own_source(ingress.engine, draft.source, visit.tenant)
    problem = await _told(visit, ingress.source_service.enable(source.source, visit.tenant))
    return await _page(visit, source, 201, keys=_keys_of(visit, made), problem=problem)


async def show_channel(visit: Visit) -> Response:
    """A channel: what came, what to enter in its console, its secrets and keys."""
    source = await _source(visit)
    if visit.request.headers.get("hx-request"):
        return visit.page("operations/arrival.html", one=await _with_health(visit, source))
    return await _page(visit, source)


async def check_channel(visit: Visit) -> Response:
    """Send the channel signed requests without events, as its own service would."""
    await visit.form()
    source = await _source(visit)
    tested = tested_source(source, ingress_of(visit).settings.master_key)
    return await _page(visit, source, findings=await examine_within(visit.request.app, tested))


async def change_secret(visit: Visit) -> Response:
    """Add a secret beside the one in use, or drop all but the newest. A website's is made up and shown this once."""
    form, source = await visit.form(), await _source(visit)
    service, given = ingress_of(visit).source_service, form.one("secret").strip()
    if form.one("drop"):
        return await _changed(visit, source, service.rotate(source.source, visit.tenant, None, keep=1))
    if source.channel == "web":
        made = new_login_secret()
        problem = await _told(visit, service.rotate(source.source, visit.tenant, made.encode()))
        keys = [(visit.say("Login secret"), made)]
        return await _page(visit, await _source(visit), 201, keys=keys, problem=problem)
    if not given:
        return await _page(visit, source, 422, problem=visit.say("Enter the new secret."))
    return await _changed(visit, source, service.rotate(source.source, visit.tenant, given.encode()))


async def add_channel_key(visit: Visit) -> Response:
    """Make a further write key of a website, which is shown this once."""
    form, source = await visit.form(), await _source(visit)
    kind: Any = "server" if form.one("kind") == "server" else "public"
    try:
        made = await add_write_key(ingress_of(visit).engine, source.source, kind)
    except UnknownSite:  # only websites have write keys
        raise Problem(NOT_FOUND) from None
    return await _page(visit, source, 201, keys=[(_key_name(visit, kind), made)])


async def revoke_channel_key(visit: Visit) -> Response:
    """Revoke a write key of a website, for good."""
    form, source = await visit.form(), await _source(visit)
    try:
        await revoke_write_key(ingress_of(visit).engine, form.one("key"), source=source.source)
    except UnknownKey:
        return await _page(visit, source, 409, problem=visit.say("This key was revoked already."))
    return redirect(f"{CHANNELS}/{source.source}")


async def switch_channel(visit: Visit) -> Response:
    """Disable a channel, or enable it again."""
    form, source = await visit.form(), await _source(visit)
    service = ingress_of(visit).source_service
    change = service.disable if form.one("do") == "disable" else service.enable
    return await _changed(visit, source, change(source.source, visit.tenant))


async def _changed(visit: Visit, source: Source, change: Awaitable[Source]) -> Response:
    problem = await _told(visit, change)
    return await _page(visit, source, 503, problem=problem) if problem else redirect(f"{CHANNELS}/{source.source}")


async def _told(visit: Visit, change: Awaitable[Source]) -> str:
    """Why a change is not complete; empty if it is."""
    try:
        await change
    except LogUnavailable:
        return visit.say("The change is kept, but Kafka could not be reached. Enable the channel again in a moment.")
    except ControlError:
        return visit.say("Somebody else changed the channel just now. Look at it, and repeat the step.")
    return ""


async def _page(  # noqa: PLR0913 - what a step adds to the page
    visit: Visit,
    source: Source,
    status: int = 200,
    *,
    keys: list[tuple[str, str]] | None = None,
    findings: Any = None,
    problem: str = "",
) -> Response:
    settings = ingress_of(visit).settings
    base = _base(visit)
    entries = console_settings(source, base, opened_verify_token(settings.master_key, source))
    live = await list_write_keys(ingress_of(visit).engine, visit.tenant, source=source.source)
    return visit.page(
        "operations/channel.html",
        status,
        one=await _with_health(visit, source),
        entries=entries,
        steps=channel_views.steps_of(source.channel, visit.say),
        base=base,
        public=settings.public_url is not None,
        write_keys=live,
        keys=keys or [],
        findings=findings,
        problem=problem,
        views=channel_views,
    )


async def _with_health(visit: Visit, source: Source) -> ShownSource:
    activity = await activity_of(ingress_of(visit).engine, visit.tenant)
    return _shown(visit, source, health_of(source.source, activity, _now(visit), disabled=_off(source)))


def _shown(visit: Visit, source: Source, health: SourceHealth) -> ShownSource:
    words = channel_views.health_words(health.state, source.channel, visit.say)
    name = source.options.name or source.account or source.source
    return ShownSource(source, health, words, name)


async def _source(visit: Visit) -> Source:
    try:
        return await own_source(ingress_of(visit).engine, visit.request.path_params["source"], visit.tenant)
    except UnknownSource:
        raise Problem(NOT_FOUND) from None


def _form(visit: Visit, channel: str, given: SentFields, problem: str, status: int = 422) -> Response:
    typed = {name: given.one(name) for name in _FIELDS}
    return visit.page(
        "operations/connect.html",
        status if problem else 200,
        kinds=KINDS,
        channel=channel,
        base=_base(visit),
        typed=typed,
        problem=problem,
        views=channel_views,
    )


def _draft(form: SentFields) -> dict[str, Any]:
    """The fields of the form as those of the API; what is empty is left out."""
    facts = {name: form.one(name).strip() for name in _FIELDS}
    secret = form.one("secret").strip()
    return {
        "channel": form.one("channel"),
        "secrets": [secret] if secret else [],
        **{name: value for name, value in facts.items() if value},
    }


def _problem_of(visit: Visit, error: ValidationError) -> str:
    """What is wrong with the form, in words."""
    field = str(error.errors(include_input=False, include_context=False)[0]["loc"][0])
    problems = {
        "source": visit.say("The name has small letters, digits, - and _, and begins with a letter or digit."),
        "account": visit.say("The account is a text without : and |."),
        "secrets": visit.say("Enter the channel's secret; a website needs an account instead."),
        "channel": visit.say("Choose a channel."),
    }
    return problems.get(field, visit.say("A text is too long, or has characters that can't be stored."))


def _keys_of(visit: Visit, made: SiteCredentials) -> list[tuple[str, str]]:
    keys = [(_key_name(visit, "public"), made.public_key), (_key_name(visit, "server"), made.server_key)]
    return [*keys, *([(visit.say("Login secret"), made.login_secret)] if made.login_secret else [])]


def _key_name(visit: Visit, kind: str) -> str:
    return visit.say("Server write key") if kind == "server" else visit.say("Public write key")


def _base(visit: Visit) -> str:
    """The address by which channels reach this service, as far as it is known."""
    return (ingress_of(visit).settings.public_url or str(visit.request.base_url)).rstrip("/")


def _off(source: Source) -> bool:
    return source.disabled_at is not None


def _now(visit: Visit) -> datetime:
    return datetime.fromtimestamp(visit.now / 1000, UTC)


def _post(path: str, endpoint: Callable[[Visit], Awaitable[Response]], access: Access) -> PageRoute:
    return PageRoute(path, endpoint, access, "POST")


_ONE: Final = f"{CHANNELS}/{{source}}"
ROUTES: Final = (
    PageRoute(OPERATIONS, show_channels, READING_OPERATIONS),
    PageRoute(CHANNELS, show_channels, READING_OPERATIONS),
    PageRoute(CONNECT, choose_channel, READING_OPERATIONS),
    _post(CONNECT, connect_channel, CHANGING_OPERATIONS),
    PageRoute(_ONE, show_channel, READING_OPERATIONS),
    _post(f"{_ONE}/check", check_channel, _TESTING),
    _post(f"{_ONE}/secret", change_secret, CHANGING_OPERATIONS),
    _post(f"{_ONE}/keys", add_channel_key, CHANGING_OPERATIONS),
    _post(f"{_ONE}/keys/revoke", revoke_channel_key, CHANGING_OPERATIONS),
    _post(f"{_ONE}/switch", switch_channel, CHANGING_OPERATIONS),
)

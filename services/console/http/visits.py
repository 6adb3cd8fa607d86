"""What a page knows of its request: who is signed in, in which language, and whether the request is the page's own."""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, cast
from urllib.parse import parse_qsl, urlsplit

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from projections.engine.zones import zone_of
from services.console.core.names import Names
from services.console.core.roles import ConsoleRole, includes, role_of
from services.console.core.words import LANGUAGE_NAMES, Language, LocalWords, language_of
from services.console.http.rendering import names_in, render, translations
from services.control.auth import Principal, permits
from services.control.console_sessions import ConsoleSession
from services.runtime.problems import BAD_REQUEST, TOO_LARGE, Kind, Problem

SESSION_COOKIE: Final = "onefold_session"
LANGUAGE_COOKIE: Final = "onefold_language"
THEME_COOKIE: Final = "onefold_theme"
TOKEN_FIELD: Final = "csrf_token"  # noqa: S105 - the name of a field
HOME: Final = "/console/customers"
_TOKEN_HEADER: Final = "x-csrf-token"  # noqa: S105 - the name of a header
THEMES: Final = ("auto", "light", "dark")
_LOCAL: Final = ("127.0.0.1", "localhost", "::1")
_MOST_OF_A_FORM: Final = 262_144  # bytes
_FORM: Final = "onefold.console.form"  # where a request keeps its form, which can be read once
_MOST_FIELDS: Final = 2000  # a policy of 200 types has 1,600
_FOREIGN: Final = Kind("foreign-request", "This request does not come from a page of the console", 403)


class FormOfEarlierSession(Problem):
    """A form of the console itself, without the token of this session: it was shown before somebody signed in."""

    def __init__(self, form: "SentFields") -> None:
        super().__init__(_FOREIGN, "The page is too old. Go back, load it again, and repeat the step.")
        self.form = form


@dataclass(frozen=True, slots=True)
class Visit:
    """One request for a page. ``now`` is in ms; ``secret`` is the session cookie's text."""

    request: Request
    session: ConsoleSession | None
    secret: str
    now: int

    @property
    def signed_in(self) -> ConsoleSession:
        """The session of a page that needs one."""
        if self.session is None:
            raise RuntimeError("a page that reads a tenant's data must need a session")
        return self.session

    @property
    def tenant(self) -> str:
        """The tenant whose data the page may show."""
        return self.signed_in.tenant

    @property
    def principal(self) -> Principal:
        """Who is limited, recorded and permitted."""
        who = self.signed_in
        return Principal(who.tenant, who.scopes, who.session_hash, who.key_prefix, who.name)

    @property
    def role(self) -> ConsoleRole | None:
        """The role of who is signed in."""
        return None if self.session is None else role_of(self.session.scopes)

    @property
    def language(self) -> Language:
        """The reader's language."""
        return language_of(self.request.cookies.get(LANGUAGE_COOKIE))

    @property
    def theme(self) -> str:
        """``light``, ``dark``, or ``auto`` for what the browser prefers."""
        wanted = self.request.cookies.get(THEME_COOKIE, "")
        return wanted if wanted in THEMES else "auto"

    @property
    def words(self) -> LocalWords:
        """Times and numbers as the reader reads them."""
        region = "TW" if self.session is None else self.session.region
        return LocalWords(self.language, zone_of(region), self.now)

    @property
    def names(self) -> Names:
        """What the reader calls channels, identifiers, reasons and events."""
        return names_in(self.language)

    @property
    def token(self) -> str:
        """What a form of this session's pages sends along. Another website can't know it."""
        return hmac.digest(self.secret.encode(), b"csrf", "sha256").hex()

    def say(self, sentence: str) -> str:
        """A sentence in the reader's language."""
        return translations(self.language).gettext(sentence)

    def may(self, scope: str) -> bool:
        """Whether the session has the scope."""
        return self.session is not None and permits(self.session.scopes, scope)

    def has_role(self, role: ConsoleRole) -> bool:
        """Whether the session has the role, or a higher one."""
        return includes(self.role, role)

    def page(self, template: str, status: int = 200, **values: Any) -> Response:
        """A page, or a part of one."""
        known = {
            "visit": self,
            "words": self.words,
            "languages": LANGUAGE_NAMES,
            "here": self.request.url.path + (f"?{query}" if (query := self.request.url.query) else ""),
        }
        return HTMLResponse(render(template, self.language, known | values), status)

    async def form(self) -> "SentFields":
        """The fields of a form that a page of this session sent. Raises a 400, 403 or 413 problem."""
        form = await self.sent_form()
        self.check_token(form)
        return form

    async def sent_form(self) -> "SentFields":
        """The fields of a form that a page of the console sent, maybe of an earlier session. Raises a problem."""
        self.check_origin()
        known = self.request.scope.get(_FORM)
        if known is None:
            known = self.request.scope[_FORM] = await _form_of(self.request)
        return cast("SentFields", known)

    def check_token(self, form: "SentFields") -> None:
        """Raises the problem of a form that lacks the session's token."""
        sent = self.request.headers.get(_TOKEN_HEADER) or form.one(TOKEN_FIELD)
        if self.session is not None and not hmac.compare_digest(sent.encode(), self.token.encode()):
            raise FormOfEarlierSession(form)

    def check_origin(self) -> None:
        """Raises a 403 problem for a request that another website's page sent."""
        headers = self.request.headers
        origin, site = headers.get("origin"), headers.get("sec-fetch-site")
        own = urlsplit(origin).netloc == headers.get("host") if origin and origin != "null" else site == "same-origin"
        if not own or site in {"cross-site", "same-site"}:
            raise Problem(_FOREIGN)

    def set_cookie(self, response: Response, name: str, value: str, *, lasts: int | None = None) -> None:
        """Have the browser keep a text for so many seconds; only over TLS, except on this machine."""
        local = self.request.url.hostname in _LOCAL
        response.set_cookie(
            name, value, max_age=lasts, path="/console", httponly=True, secure=not local, samesite="lax"
        )


class SentFields:
    """Fields by name, of which each may be there several times."""

    def __init__(self, fields: Sequence[tuple[str, str]]) -> None:
        # Nobody types a NUL character, but a paste may hold one, and nothing that is kept can.
        self._fields = [(name, value.replace("\0", "")) for name, value in fields]

    def one(self, name: str, default: str = "") -> str:
        """The first of that name."""
        return next((value for key, value in self._fields if key == name), default)

    def all(self, name: str) -> list[str]:
        """Each of that name."""
        return [value for key, value in self._fields if key == name]

    def pairs(self) -> list[tuple[str, str]]:
        """Names and values, in their order."""
        return list(self._fields)


def query_of(request: Request) -> SentFields:
    """The fields of the address."""
    return SentFields(request.query_params.multi_items())


def redirect(address: str) -> Response:
    """Go on there, with GET."""
    return RedirectResponse(address, 303)


def safe_address(address: str) -> str:
    """An address within the console; the first page for any other, so that a link leads nowhere else."""
    parts = urlsplit(address)
    inside = not parts.scheme and not parts.netloc and parts.path.startswith("/console") and "\\" not in address
    return address if inside and address.isprintable() else HOME


async def _form_of(request: Request) -> SentFields:
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > _MOST_OF_A_FORM:
            raise Problem(TOO_LARGE)
    try:
        fields = parse_qsl(
            body.decode(),
            keep_blank_values=True,
            strict_parsing=bool(body),
            max_num_fields=_MOST_FIELDS,
            errors="strict",
        )
    except ValueError:
        raise Problem(BAD_REQUEST, "This is no form.") from None
    return SentFields(fields)

"""Finds the website that a request's write key belongs to."""

import binascii
from base64 import b64decode
from typing import Final

from fastapi import Request
from fastapi.security import HTTPBasic

from services.ingress.core.web import Site
from services.ingress.ports import Sites, SourcesUnavailable
from services.runtime.problems import UNAUTHENTICATED, Kind, Problem, unavailable

SERVER_KEY: Final = Kind("server-key-in-browser", "A server's write key may not be used in browsers", 403)
WRITE_KEY: Final = HTTPBasic(
    scheme_name="writeKey",
    auto_error=False,
    description="A website's write key as the user, without a password; or `writeKey` in the body.",
)
_BASIC: Final = "basic "
_LONGEST_HEADER: Final = 512
# No scheme that a browser knows, or it would ask the visitor for a password.
_CHALLENGE: Final = {"WWW-Authenticate": 'WriteKey realm="onefold"'}


def key_in_header(request: Request) -> str | None:
    """The write key in the Authorization header, or "" where the header has another form; None without a header."""
    authorization = request.headers.get("authorization")
    if not authorization:
        return None
    if authorization[: len(_BASIC)].lower() != _BASIC or len(authorization) > _LONGEST_HEADER:
        return ""
    try:
        return b64decode(authorization[len(_BASIC) :].strip(), validate=True).decode().partition(":")[0]
    except (binascii.Error, ValueError):
        return ""


async def site_of(sites: Sites, write_key: str | None) -> Site:
    """The website of the write key. Raises a 401 or 503 problem."""
    try:
        site = await sites.find(write_key) if write_key else None
    except SourcesUnavailable as error:
        raise unavailable("PostgreSQL") from error
    if site is None:
        detail = "send a write key as the user of basic auth, or as writeKey in the body"
        raise Problem(UNAUTHENTICATED, detail if not write_key else "this write key is none", headers=_CHALLENGE)
    return site


def refuse_server_key(site: Site) -> None:
    """Raise a 403 problem where a browser uses a server's key: what stands in a page is read by everybody."""
    if site.assurance == "stated":
        raise Problem(SERVER_KEY, "revoke this write key, and put one for browsers into the page")

"""The page that asks for a key, or leads to the OpenID provider of a brand."""

from typing import Any, Final
from urllib.parse import urlsplit

from starlette.responses import Response

from services.console.http.visits import HOME, Visit, query_of
from services.control.oidc_providers import find_provider, has_providers, only_provider

SIGN_IN: Final = "/console/sign-in"


async def sign_in_page(visit: Visit, status: int = 200, **shown: Any) -> Response:
    """The page. ``tenant`` in the address says whose provider is meant; with one provider alone it is that one."""
    engine, tenant = visit.request.app.state.console_engine, query_of(visit.request).one("tenant").strip()
    provider = await find_provider(engine, tenant) if tenant else await only_provider(engine)
    values: dict[str, Any] = {"next": HOME, "problem": None, "signed_out": False} | shown
    if tenant and provider is None and not values["problem"]:
        values["problem"] = visit.say("This brand has no sign-in with company accounts. Check its short name.")
    asks_brand = provider is None and await has_providers(engine)
    host = urlsplit(provider.issuer).hostname if provider else None
    return visit.page("sign_in.html", status, provider=provider, host=host, asks_brand=asks_brand, **values)

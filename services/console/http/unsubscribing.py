"""取消訂閱: choose which kinds of marketing a contact no longer gets."""

from typing import Final, get_args

from starlette.responses import Response

from schemas.events.subscription import MarketingKind
from services.console.core.profile_views import display_names, may_unsubscribe
from services.console.http.commands import ingress_of, json_of, new_request, settle, who
from services.console.http.pages import PageRoute
from services.console.http.profile import CUSTOMERS, address_of, reader_of
from services.console.http.visits import Visit, query_of, redirect
from services.ingress.handlers.record_members import take_command
from services.ingress.http.contact_commands import NO_COMMAND
from services.ingress.http.context import checked_context
from services.ingress.ports import LogUnavailable
from services.query.core.models import ContactView, CustomerView
from services.runtime.api import Access
from services.runtime.problems import NOT_FOUND, Problem

WRITING: Final = Access("customers:write")
_KINDS: Final[tuple[str, ...]] = get_args(MarketingKind)


async def ask_kinds(visit: Visit) -> Response:
    """The form: kinds that the contact still gets are chosen."""
    found, contact = await _contact(visit, query_of(visit.request).one("contact"))
    return _form(visit, found, contact, chosen=None, problem=None)


async def unsubscribe(visit: Visit) -> Response:
    """Append that the contact opted out, and show the profile once it says so."""
    form = await visit.form()
    found, contact = await _contact(visit, form.one("contact"))
    chosen = [kind for kind in _KINDS if kind in form.all("kind")]
    if not chosen:
        return _form(visit, found, contact, chosen=[], problem=visit.say("Choose at least one kind."))
    ingress = ingress_of(visit)
    key = {"channel": contact.channel, "account": contact.account, "uid": contact.uid}
    body = json_of({"kinds": chosen, "by": who(visit)})
    request_id = form.one("request")[:64] or new_request()
    try:
        context = await checked_context(ingress, visit.principal)
        outcome = await take_command("unsubscribe", key, body, context, request_id, ingress.log)
    except LogUnavailable:
        problem = visit.say("It could not be saved. Nothing is lost: try again in a moment.")
        return _form(visit, found, contact, chosen=chosen, problem=problem)
    seen = await settle(visit, outcome, NO_COMMAND)
    done = "unsubscribed" if seen else "soon"
    return redirect(address_of(found.id, contact=contact.contact, done=done))


async def _contact(visit: Visit, key: str) -> tuple[CustomerView, ContactView]:
    found = await reader_of(visit).customer(visit.tenant, visit.request.path_params["customer"], visit.now)
    contact = next((one for one in found.contacts if one.contact == key), None)
    if contact is None:
        raise Problem(NOT_FOUND, visit.say("The customer does not have this contact any more. Go back to the profile."))
    return found, contact


def _form(
    visit: Visit, found: CustomerView, contact: ContactView, *, chosen: list[str] | None, problem: str | None
) -> Response:
    return visit.page(
        "profile/unsubscribe.html",
        200 if problem is None else 422,
        customer=found,
        contact=contact,
        contact_names=display_names([contact]),
        names=visit.names,
        kinds=[(kind, getattr(contact.consents, kind)) for kind in _KINDS],
        chosen=chosen,
        problem=problem,
        possible=may_unsubscribe(contact),
        request_id=new_request(),
        address_of=address_of,
    )


ROUTES: Final = (
    PageRoute(f"{CUSTOMERS}/{{customer}}/unsubscribe", ask_kinds, WRITING),
    PageRoute(f"{CUSTOMERS}/{{customer}}/unsubscribe", unsubscribe, WRITING, "POST"),
)

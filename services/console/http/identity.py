"""Why one customer: the graph of its links, its story, and decisions with a preview of what they would change."""

from typing import Final

from starlette.responses import Response

from services.console.core.identity_graph import NARROW, draw, ties_of
from services.console.core.identity_story import sentence, story
from services.console.core.profile_views import display_names
from services.console.http.decisions import DECISION_FIELDS, decision_address, decision_problem, merge_address
from services.console.http.pages import READING, PageRoute
from services.console.http.profile import CUSTOMERS, address_of, moved, reader_of
from services.console.http.visits import Visit, query_of
from services.query.core import cursors
from services.query.handlers.decisions import Decisions
from services.query.handlers.explainer import FIRST, Explainer

_MOST_LINKS: Final = 500


def explainer_of(visit: Visit) -> Explainer:
    """What explains identity."""
    explainer: Explainer = visit.request.app.state.explainer
    return explainer


def decisions_of(visit: Visit) -> Decisions:
    """What lists decisions."""
    decisions: Decisions = visit.request.app.state.decisions
    return decisions


async def show_identity(visit: Visit) -> Response:
    """What makes a customer one: picture, table and story say the same."""
    query, name = query_of(visit.request), visit.request.path_params["customer"]
    cursor = query.one("cursor")[: cursors.MOST_OF_A_LINK]
    found = await reader_of(visit).customer(visit.tenant, name, visit.now)
    if (elsewhere := moved(visit, found.id)) is not None:
        return elsewhere
    after = cursors.read_customer(cursor) if cursor else FIRST
    links = await explainer_of(visit).graph(visit.tenant, str(found.id), _MOST_LINKS, after)
    decided = await decisions_of(visit).of_customer(visit.tenant, str(found.id))
    others = {key for one in decided.decisions for key in (one.a, one.b)}
    called = await reader_of(visit).names(visit.tenant, others) | display_names(found.contacts)
    names = visit.names
    return visit.page(
        "profile/identity.html",
        customer=found,
        names=names,
        contact_names=called,
        links=links,
        by_claim={one.contact for one in links.contacts if one.by_claim},
        ties=list(enumerate(ties_of(links), start=1)),
        graphs=[("wide", draw(links)), ("small", draw(links, NARROW))],
        story=[(step, sentence(step, names, called)) for step in story(links)],
        decisions=decided,
        address_of=address_of,
        decision_address=decision_address,
        merge_address=merge_address,
        done=query.one("done"),
        problem=decision_problem(visit, query.one("problem")) if query.one("problem") else None,
        typed={name: query.one(name) for name in DECISION_FIELDS},
    )


ROUTES: Final = (PageRoute(f"{CUSTOMERS}/{{customer}}/identity", show_identity, READING),)

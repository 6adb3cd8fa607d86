"""Decisions of staff and merges of member ids: what each would change, and then the event that does it."""

from typing import Any, Final
from urllib.parse import urlencode

from starlette.responses import Response

from services.console.core.profile_views import display_names
from services.console.http.commands import ingress_of, json_of, new_request, settle, settle_event, who
from services.console.http.pages import PageRoute
from services.console.http.profile import address_of, reader_of
from services.console.http.unsubscribing import WRITING
from services.console.http.visits import SentFields, Visit, query_of, redirect
from services.ingress.core.member_merges import MergeTerms
from services.ingress.handlers.identity import TwoMembers, take_decision
from services.ingress.handlers.member_merges import take_merge, take_undo
from services.ingress.http.context import context_of
from services.ingress.http.member_merges import NO_MERGE
from services.ingress.ports import LogUnavailable
from services.query.core.errors import Ambiguous, NotFound
from services.query.core.membership_previews import MembershipChanges, MergePair, NoMerge, WishedDecision
from services.query.core.references import one_contact
from services.query.handlers.customer_lookup import NO_CONTACT
from services.query.handlers.membership_previews import MembershipPreviews
from services.runtime.api import Access
from services.runtime.problems import INVALID_REQUEST, Problem

IDENTITY: Final = "/console/identity"
_DECISIONS: Final = ("same", "different", "undecided")
_PREVIEWING: Final = Access("customers:write", 10.0)
_MERGING: Final = Access("events:write", 10.0)
DECISION_FIELDS: Final = ("decision", "a", "b", "member_id", "into")
_LONGEST_NAME: Final = 600
_LONGEST_NOTE: Final = 500
_SHOWN: Final = 20  # contacts of a customer before and after
_WORK_LISTS: Final = ("candidates", "conflicts", "decisions", "merges")
_Contacts = tuple[str, str, dict[str, str | None]]


def decision_address(**fields: object) -> str:
    """The address of the preview of a decision."""
    return f"{IDENTITY}/decision?{urlencode(fields)}"


def merge_address(**fields: object) -> str:
    """The address of the preview of a merge of member ids."""
    return f"{IDENTITY}/merge?{urlencode(fields)}"


async def preview_decision(visit: Visit) -> Response:
    """What a decision about two contacts would change."""
    return await _decision_page(visit, query_of(visit.request))


async def decide(visit: Visit) -> Response:
    """Append the decision, and go back to where it was made."""
    form = await visit.form()
    a, b, _ = await _two_contacts(visit, form)
    fields = {"a": a, "b": b, "decision": _decision_in(visit, form), "by": who(visit)}
    note = form.one("note").strip()[:_LONGEST_NOTE]
    ingress = ingress_of(visit)
    body = json_of(fields | ({"note": note} if note else {}))
    try:
        outcome = await take_decision(body, context_of(visit.principal), ingress.log, ingress.identity)
    except LogUnavailable:
        return await _decision_page(visit, form, _not_saved(visit))
    if isinstance(outcome, TwoMembers):
        kept = {name: form.one(name) for name in ("customer", "back")}
        return redirect(merge_address(member_id=outcome.of_a, into=outcome.of_b, two=1, **kept))
    seen = await settle_event(visit, outcome)
    done = "undecided" if fields["decision"] == "undecided" else "decided"
    return redirect(_after(form, done if seen else "soon"))


async def preview_merge(visit: Visit) -> Response:
    """What merging two member ids, or taking a merge back, would change."""
    return await _merge_page(visit, query_of(visit.request))


async def merge(visit: Visit) -> Response:
    """Append that a member id became another one, or is itself again."""
    form = await visit.form()
    ingress, member_id, context = ingress_of(visit), form.one("member_id"), context_of(visit.principal)
    body = {"into": form.one("into").strip(), "by": who(visit)}
    try:
        terms = MergeTerms(form.one("request")[:64] or new_request(), await ingress.identity.policy(visit.tenant))
        if form.one("undo"):
            outcome = await take_undo(member_id, who(visit), context, terms, ingress.log)
        else:
            outcome = await take_merge(member_id, body, context, terms, ingress.log)
    except LogUnavailable:
        return await _merge_page(visit, form, _not_saved(visit))
    seen = await settle(visit, outcome, NO_MERGE)
    return redirect(_after(form, ("unmerged" if form.one("undo") else "merged") if seen else "soon"))


async def _decision_page(visit: Visit, form: SentFields, problem: str | None = None) -> Response:
    decision = _decision_in(visit, form)
    try:
        a, b, called = await _two_contacts(visit, form)
    except (NotFound, Ambiguous):
        return _asked_again(visit, form, "nobody")
    if a == b:
        return _asked_again(visit, form, "one")
    changes = await _previews(visit).decision(visit.tenant, WishedDecision(a=a, b=b, decision=decision), visit.now)
    fields = {name: form.one(name) for name in ("customer", "back")} | {"a": a, "b": b, "decision": decision}
    return _page(visit, decision, (a, b), changes, called=called, fields=fields, form=form, problem=problem)


def _asked_again(visit: Visit, form: SentFields, problem: str) -> Response:
    """The form of the customer's page with what was typed; a problem page where no customer's page asked."""
    customer = form.one("customer")[:_LONGEST_NAME]
    if not customer:
        raise Problem(INVALID_REQUEST, decision_problem(visit, problem))
    typed = {name: form.one(name)[:_LONGEST_NAME] for name in DECISION_FIELDS}
    return redirect(address_of(customer, "/identity", problem=problem, **typed) + "#change")


def decision_problem(visit: Visit, problem: str) -> str:
    """Why a decision can't be previewed, in words."""
    if problem == "one":
        return visit.say("A decision is about two different contacts. Choose another one.")
    if problem == "members":
        return visit.say("These are not two member IDs: one is missing, both are the same, or the rules block one.")
    return visit.say("There is no single customer or contact of this name. Look at how it is written, then try again.")


async def _merge_page(visit: Visit, form: SentFields, problem: str | None = None) -> Response:
    undo = bool(form.one("undo"))
    pair = MergePair(member_id=form.one("member_id")[:512], into=None if undo else form.one("into")[:512])
    try:
        changes = await _previews(visit).merges(visit.tenant, [pair], visit.now)
    except NoMerge:
        if not form.one("customer"):
            raise
        return _asked_again(visit, form, "members")
    fields = {name: form.one(name) for name in ("customer", "back", "member_id", "into", "undo")} | {
        "request": new_request()
    }
    if problem is None and form.one("two"):
        problem = visit.say("The contacts belong to two member IDs, and one person has one. Merge the member IDs.")
    sides = (pair.member_id, pair.into or "")
    shown = {key for one in changes.changes for key in (*one.before[:_SHOWN], *one.after[:_SHOWN])}
    called = await reader_of(visit).names(visit.tenant, shown)
    return _page(
        visit, "unmerge" if undo else "merge", sides, changes, called=called, fields=fields, form=form, problem=problem
    )


def _page(  # noqa: PLR0913 - what one page of two kinds shows
    visit: Visit,
    decision: str,
    sides: tuple[str, str],
    changes: MembershipChanges,
    *,
    called: dict[str, str | None],
    fields: dict[str, str],
    form: SentFields,
    problem: str | None,
) -> Response:
    return visit.page(
        "identity/preview.html",
        200 if problem is None or form.one("two") else 503,
        decision=decision,
        a=sides[0],
        b=sides[1],
        changes=changes,
        contact_names=called,
        names=visit.names,
        fields=fields,
        note=form.one("note")[:_LONGEST_NOTE],
        action=f"{IDENTITY}/{'decision' if decision in _DECISIONS else 'merge'}",
        back=_after(form, ""),
        problem=problem,
        address_of=address_of,
    )


async def _two_contacts(visit: Visit, form: SentFields) -> _Contacts:
    """The keys of the two contacts that are meant, and what contacts of their customers are called."""
    one, called = await _contact(visit, form.one("a"))
    other, more = await _contact(visit, form.one("b"))
    return one, other, called | more


async def _contact(visit: Visit, name: str) -> tuple[str, dict[str, str | None]]:
    """The contact of a key or an id, else the one that founded the customer of this name."""
    given = name.strip()[:_LONGEST_NAME]
    try:
        wanted = one_contact(given)
    except NotFound:
        wanted = None
    asked = f"contact:{given}" if wanted is not None and ":" in given and not given.startswith("contact:") else given
    found = await reader_of(visit).customer(visit.tenant, asked, visit.now)
    keys = {one.contact for one in found.contacts}
    if not keys:
        raise NotFound(NO_CONTACT)
    ids = {str(one.id): one.contact for one in found.contacts}
    key = given.removeprefix("contact:")
    chosen = key if key in keys else ids.get(given) or ids.get(str(found.id)) or min(keys)
    return chosen, display_names(found.contacts)


def _decision_in(visit: Visit, form: SentFields) -> Any:
    decision = form.one("decision")
    if decision not in _DECISIONS:
        raise Problem(INVALID_REQUEST, visit.say("This is no decision. Go back and choose one."))
    return decision


def _after(form: SentFields, done: str) -> str:
    """Where a decision was made: a work list, or the page of a customer."""
    customer = form.one("customer")[:_LONGEST_NAME]
    back = form.one("back")
    if customer and back not in _WORK_LISTS:
        return address_of(customer, "/identity", done=done)
    address = f"{IDENTITY}/{back if back in _WORK_LISTS else _WORK_LISTS[0]}"
    return f"{address}?done={done}" if done else address


def _not_saved(visit: Visit) -> str:
    return visit.say("It could not be saved. Nothing is lost: try again in a moment.")


def _previews(visit: Visit) -> MembershipPreviews:
    previews: MembershipPreviews = visit.request.app.state.membership_previews
    return previews


ROUTES: Final = (
    PageRoute(f"{IDENTITY}/decision", preview_decision, _PREVIEWING),
    PageRoute(f"{IDENTITY}/decision", decide, WRITING, "POST"),
    PageRoute(f"{IDENTITY}/merge", preview_merge, _MERGING),
    PageRoute(f"{IDENTITY}/merge", merge, _MERGING, "POST"),
)

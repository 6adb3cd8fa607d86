"""The rules of identity: the policy as a form, what another one would change, adopting it, and earlier versions."""

from collections.abc import Mapping
from typing import Any, Final

import orjson
from babel import Locale
from phonenumbers import SUPPORTED_REGIONS
from starlette.responses import Response

from projections.identity.resolution.policy import DEFAULT_TYPES, InvalidPolicy, Policy
from projections.identity.rules import DEFAULT_VERSION
from services.console.core import policy_forms
from services.console.core.policy_forms import PolicyDraft
from services.console.core.policy_words import PolicyWords
from services.console.core.preview_charts import examples_of, named_contacts, paired_bars
from services.console.core.words import LOCALES
from services.console.http.commands import ingress_of, json_of, new_request, settle_event, who
from services.console.http.pages import READING_SETTINGS, PageRoute
from services.console.http.profile import address_of, reader_of
from services.console.http.visits import SentFields, Visit, query_of, redirect
from services.ingress.handlers.identity import take_policy
from services.ingress.http.context import context_of
from services.ingress.ports import LogUnavailable
from services.query.core.policy_changes import policy_changes
from services.query.core.policy_models import PolicySettings, PolicyStatus
from services.query.handlers.policies import Policies
from services.query.http.parameters import LIST_COST
from services.query.ports import EvidenceTooLarge, PolicyPreviewer, PreviewBusy, QueryUnavailable
from services.runtime.api import Access
from services.runtime.problems import INVALID_REQUEST, Problem

PATH: Final = "/console/rules"
_CHANGING: Final = Access("admin")
_PREVIEWING: Final = Access("admin", LIST_COST)
_UNAVAILABLE: Final[Mapping[type[QueryUnavailable], str]] = {PreviewBusy: "busy", EvidenceTooLarge: "large"}
_LONGEST_NOTE: Final = 500
_LONGEST_VERSION: Final = 255


async def rules(visit: Visit) -> Response:
    """The policy in force as a form, how far the adoption of another one is, and the versions."""
    status = await _policies(visit).in_force(visit.tenant)
    return await _form_page(visit, policy_forms.draft_of(await _settings(visit, status), _region(visit)), status)


async def change_form(visit: Visit) -> Response:
    """The form as it was sent, with another type, without one, or from a preview back to it."""
    form = await visit.form()
    if text := form.one("policy"):
        return await _form_page(visit, policy_forms.draft_of(_policy_in(text), _region(visit)))
    draft = policy_forms.draft_in(form)
    if (name := form.one("remove")) in draft.types:
        return await _form_page(visit, draft.without_type(name))
    return await _with_new_type(visit, draft, form)


async def _with_new_type(visit: Visit, draft: PolicyDraft, form: SentFields) -> Response:
    name = form.one(policy_forms.NEW_TYPE).strip()
    if policy_forms.problems_of({"types": {name: {}}}):
        return await _form_page(visit, draft, problems={policy_forms.NEW_TYPE: ""}, new_type=name)
    return await _form_page(visit, draft.with_type(name))


async def check(visit: Visit) -> Response:
    """What the policy of the form changes; or the form again, with what is wrong at each field."""
    form = await visit.form()
    draft = policy_forms.draft_in(form)
    if form.one(policy_forms.NEW_TYPE).strip():
        return await _with_new_type(visit, draft, form)
    settings = policy_forms.settings_of(draft)
    if problems := policy_forms.problems_of(settings):
        return await _form_page(visit, draft, problems=problems)
    return await _preview_page(visit, settings)


async def show_version(visit: Visit) -> Response:
    """What going back to a version would change."""
    version = query_of(visit.request).one("version", DEFAULT_VERSION)[:_LONGEST_VERSION]
    found = await _policies(visit).version(visit.tenant, version)
    return await _preview_page(visit, found.policy, version=found)


async def preview(visit: Visit) -> Response:
    """The customers that would join and part, in numbers and examples, and the form that adopts the policy."""
    form = await visit.form()
    settings = _policy_in(form.one("policy"))
    return await _numbers(visit, settings, form)


async def adopt(visit: Visit) -> Response:
    """Append that the tenant resolves identities by this policy."""
    form = await visit.form()
    settings = _policy_in(form.one("policy"))
    note = form.one("note").strip()[:_LONGEST_NOTE]
    event_id = form.one("request")[:64] or new_request()
    body = {"policy": settings, "by": who(visit), "event_id": event_id} | ({"note": note} if note else {})
    try:
        outcome = await take_policy(json_of(body), context_of(visit.principal), ingress_of(visit).log)
    except LogUnavailable:
        said = visit.say("It could not be saved. Nothing is lost: try again in a moment.")
        return await _preview_page(visit, settings, problem=said)
    seen = await settle_event(visit, outcome)
    return redirect(f"{PATH}?done={'adopting' if seen else 'soon'}")


async def progress(visit: Visit) -> Response:
    """How far the adoption is; the page is loaded again once it is done."""
    status = await _policies(visit).in_force(visit.tenant)
    response = visit.page("rules/progress.html", adopting=status.adopting)
    if status.adopting is None:
        response.headers["HX-Refresh"] = "true"
    return response


async def _form_page(
    visit: Visit,
    draft: PolicyDraft,
    status: PolicyStatus | None = None,
    *,
    problems: Mapping[str, str] | None = None,
    new_type: str = "",
) -> Response:
    status = status or await _policies(visit).in_force(visit.tenant)
    words = PolicyWords(visit.say)
    return visit.page(
        "rules/page.html",
        422 if problems else 200,
        in_force=status.version,
        adopting=status.adopting,
        draft=draft,
        problems=problems or {},
        new_type=new_type,
        policy_words=words,
        forms=policy_forms,
        built_in=DEFAULT_TYPES,
        regions=_regions(visit, draft.text("default_region")),
        versions=[(one, words.changes(one.changes)) for one in status.versions],
        may=visit.may("admin"),
        done=query_of(visit.request).one("done"),
    )


async def _preview_page(
    visit: Visit,
    settings: Mapping[str, Any],
    *,
    version: PolicySettings | None = None,
    problem: str | None = None,
) -> Response:
    status = await _policies(visit).in_force(visit.tenant)
    region = _region(visit)
    changes = policy_changes(
        Policy.from_log(await _settings(visit, status), region), Policy.from_log(dict(settings), region)
    )
    return visit.page(
        "rules/preview.html",
        200 if problem is None else 503,
        changes=PolicyWords(visit.say).changes(changes),
        policy=_text_of(settings),
        version=version,
        known=next((one for one in status.versions if version and one.version == version.version), None),
        problem=problem,
        request_id=new_request(),
    )


async def _numbers(visit: Visit, settings: Mapping[str, Any], form: SentFields) -> Response:
    previewer: PolicyPreviewer = visit.request.app.state.previewer
    found, problem = None, None
    try:
        found = await previewer.preview(visit.tenant, settings)
    except QueryUnavailable as error:
        problem = _UNAVAILABLE.get(type(error), "away")
    examples = [] if found is None else examples_of(found)
    called = await reader_of(visit).names(visit.tenant, named_contacts(examples))
    return visit.page(
        "rules/numbers.html",
        layout="rules/fragment.html" if visit.request.headers.get("hx-request") else "base.html",
        preview=found,
        problem=problem,
        bars=[] if found is None else paired_bars(found.sizes, visit.say),
        examples=examples,
        contact_names=called,
        names=visit.names,
        policy=_text_of(settings),
        request_id=form.one("request")[:64] or new_request(),
        address_of=address_of,
    )


async def _settings(visit: Visit, status: PolicyStatus) -> dict[str, Any]:
    """The settings of the policy in force, as they were set."""
    return (await _policies(visit).version(visit.tenant, status.version)).policy


def _policy_in(text: str) -> dict[str, Any]:
    """The policy that a page holds. Raises a 400 problem for one that no page can hold."""
    try:
        settings = orjson.loads(text)
        Policy.from_json(settings)
    except (orjson.JSONDecodeError, InvalidPolicy):
        raise Problem(INVALID_REQUEST, "This is no policy.") from None
    return dict(settings)


def _text_of(settings: Mapping[str, Any]) -> str:
    return orjson.dumps(settings).decode()


def _region(visit: Visit) -> str:
    return visit.signed_in.region


def _regions(visit: Visit, chosen: str) -> list[tuple[str, str]]:
    """The regions that phone numbers can be of, by their names; the first is the tenant's own."""
    named = Locale.parse(LOCALES[visit.language]).territories
    codes = sorted({*SUPPORTED_REGIONS, *([chosen] if chosen else [])}, key=lambda one: named.get(one, one))
    own = visit.say("the brand's region (%(region)s)") % {"region": named.get(_region(visit), _region(visit))}
    return [("", own), *((one, f"{named.get(one, one)} ({one})") for one in codes)]


def _policies(visit: Visit) -> Policies:
    policies: Policies = visit.request.app.state.policies
    return policies


ROUTES: Final = (
    PageRoute(PATH, rules, READING_SETTINGS),
    PageRoute(f"{PATH}/form", change_form, _CHANGING, "POST"),
    PageRoute(f"{PATH}/check", check, _CHANGING, "POST"),
    PageRoute(f"{PATH}/version", show_version, _CHANGING),
    PageRoute(f"{PATH}/preview", preview, _PREVIEWING, "POST"),
    PageRoute(f"{PATH}/adopt", adopt, _CHANGING, "POST"),
    PageRoute(f"{PATH}/progress", progress, READING_SETTINGS),
)

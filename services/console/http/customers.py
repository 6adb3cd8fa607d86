"""The customers page: the list that a filter finds, and the steps that build the filter."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from secrets import token_hex
from typing import Any, Final, get_args

from pydantic import ValidationError
from starlette.responses import Response

from projections.customers.search.costs import TooDear
from projections.customers.search.fields import FIELD_BY_KEY, FIELDS
from projections.customers.search.filters import ByAttribute
from projections.customers.search.known_values import ValuesAsked
from projections.customers.search.rewriting import Unsearchable
from projections.engine.zones import zone_of
from schemas.events.base import ChannelName
from schemas.events.subscription import MarketingKind
from schemas.refusals import refusals
from services.console.core import condition_forms, filter_tree, list_views
from services.console.core.condition_forms import Incomplete, condition_of
from services.console.core.filter_tree import ConditionTree, NoSuchPlace, place_of
from services.console.core.list_state import PATH, ListState
from services.console.core.list_views import FacetChoice, ShownFacet
from services.console.core.number_ranges import NumberRange, number_ranges
from services.console.core.problem_details import problem_words
from services.console.core.profile_views import attribute_labels
from services.console.http.pages import READING, READING_SETTINGS, PageRoute
from services.console.http.surroundings import surroundings_of
from services.console.http.together import together
from services.console.http.visits import SentFields, Visit, query_of, redirect
from services.query.core.field_models import FieldValue
from services.query.core.search_models import FacetsRequest, SearchPage
from services.query.handlers.fields import FieldReader
from services.query.handlers.quota import DaySpan, QuotaReader
from services.query.handlers.search import CustomerSearch
from services.query.handlers.segments import SegmentReader
from services.query.http.parameters import SEARCH_COST
from services.runtime.api import Access
from services.runtime.problems import INVALID_REQUEST, Problem

_SEARCHING: Final = Access("customers:read", SEARCH_COST)
_MOST_VALUES: Final = 100
_MOST_SEGMENTS: Final = 20
_MOST_COUNTED: Final = 1_000  # values of a facet, of which few are shown
_ATTRIBUTES_SHOWN: Final = 6
_HISTORY_DAYS: Final = 90
# What a filter in an address raises where it has no such shape; and where it is none that a form edits.
_MISSHAPEN: Final = (AttributeError, TypeError, LookupError, ValueError)
_UNREADABLE: Final = (Incomplete, NoSuchPlace, *_MISSHAPEN)


async def customers(visit: Visit) -> Response:
    """The list, with the filter that is being built."""
    fields = query_of(visit.request)
    state = state_of(visit, fields)
    quota, channels, (page, problem) = await together(
        surroundings_of(visit).quota(visit.tenant),
        surroundings_of(visit).channels(visit.tenant),
        _page_of(visit, state, fields.one("cursor")),
    )
    values = {"state": state, "quota": quota, "channels": channels, "page": page, "problem": problem}
    values |= {"every_kind": get_args(MarketingKind), "names": visit.names, "request_id": token_hex(16)}
    values |= {"tree": await _group(visit, state), "editor": await _editor(visit, state, fields)}
    values |= {"cursor": fields.one("cursor"), "nothing": fields.one("nothing")}
    values["channel_names"] = {one: list_views.channel_name(one, visit.say) for one in get_args(ChannelName)}
    values["patterns"] = {"choose": visit.say("Choose %(name)s"), "member": visit.say("Member %(id)s")}
    return visit.page("customers/list.html", 422 if values["problem"] else 200, **values)


async def _page_of(visit: Visit, state: ListState, cursor: str) -> tuple[SearchPage | None, str | None]:
    """The customers, or why there are none to be shown."""
    search: CustomerSearch = visit.request.app.state.search
    try:
        return await search.page(visit.tenant, state.request(cursor), visit.now), None
    except (TooDear, Unsearchable) as error:
        return None, cannot_search(visit, error)
    except ValidationError as error:
        return None, _invalid(visit, error, state.filter())


async def apply_condition(visit: Visit) -> Response:
    """Put the condition of the form into the filter, and show the list again."""
    fields = query_of(visit.request)
    state = state_of(visit, fields)
    try:
        changed = state.having(tree=_edited(visit, state, fields))
        changed.request()
    except (Incomplete, ValidationError):
        keep = {name: fields.one(name) for name in ("at", "field", "wrap", "replace")}
        return redirect(state.url(**keep, incomplete="1"))
    return redirect(changed.url())


async def count(visit: Visit) -> Response:
    """How many customers there would be with the condition of the form."""
    fields = query_of(visit.request)
    state = state_of(visit, fields)
    search: CustomerSearch = visit.request.app.state.search
    try:
        wanted = state.having(tree=_edited(visit, state, fields)).request()
        found = await search.page(visit.tenant, wanted.model_copy(update={"limit": 1}), visit.now)
    except (Incomplete, ValidationError):
        return visit.page("customers/count.html", total=None, problem=None)
    except (TooDear, Unsearchable) as error:
        return visit.page("customers/count.html", total=None, problem=cannot_search(visit, error))
    return visit.page("customers/count.html", total=found.total, problem=None)


async def facets(visit: Visit) -> Response:
    """How the customers of the list spread: their tags and attributes, each a way to narrow the list."""
    state = state_of(visit, query_of(visit.request))
    search: CustomerSearch = visit.request.app.state.search
    definitions = await surroundings_of(visit).attributes(visit.tenant)
    used = sorted((one for one in definitions if not one.archived), key=lambda one: (-one.customers, one.key))
    shown = [one.key for one in used if one.customers][:_ATTRIBUTES_SHOWN]
    numbers = {one.key for one in used if one.type == "number"}
    try:
        wanted = FacetsRequest(filter=state.request().filter, facets=["tag"], attributes=shown, limit=_MOST_COUNTED)
        found = await search.facets(visit.tenant, wanted, visit.now)
        tags = list_views.tag_facet(found.facets[0])
        ranges = {one.facet: number_ranges([value.value for value in one.values]) for one in found.attributes}
        amounts = await _ranges(
            visit, state, {key: listed for key, listed in ranges.items() if key in numbers and listed}
        )
        attributes = [
            amounts.get(one.facet)
            or list_views.attribute_facet(one, visit.say, visit.words.number if one.facet in numbers else None)
            for one in found.attributes
        ]
    except (TooDear, Unsearchable, ValidationError):
        tags, attributes = None, []
    labels = attribute_labels(definitions, visit.language)
    ways: dict[str, Any] = {"add": list_views.narrowed, "tags": tags, "attributes": attributes}
    return visit.page("customers/facets.html", state=state, labels=labels, **ways)


async def _ranges(visit: Visit, state: ListState, ranges: Mapping[str, Sequence[NumberRange]]) -> dict[str, ShownFacet]:
    """How many customers of the list have a number of each attribute in each of its ranges."""
    search: CustomerSearch = visit.request.app.state.search
    every = [(key, one, one.condition(key)) for key, listed in ranges.items() for one in listed]
    if not every:
        return {}
    parts = [ByAttribute.model_validate(condition) for *_, condition in every]
    totals = await search.totals(visit.tenant, state.request().filter, parts, visit.now)
    choices: dict[str, list[FacetChoice]] = {key: [] for key in ranges}
    for (key, one, condition), customers in zip(every, totals, strict=True):
        if customers:
            choices[key].append(FacetChoice(one.text(visit.words), condition, customers))
    return {key: ShownFacet(key, listed, more=False) for key, listed in choices.items()}


async def segments(visit: Visit) -> Response:
    """The saved segments, each with its size now and over the last weeks."""
    reader: SegmentReader = visit.request.app.state.segments
    page = await reader.page(visit.tenant, "", _MOST_SEGMENTS)
    details = [await reader.one(visit.tenant, one.segment, visit.now, exact=False) for one in page.segments]
    span = _days(visit, _HISTORY_DAYS)
    sizes = {one.segment: (await reader.sizes(visit.tenant, one.segment, span)).sizes for one in page.segments}
    lines = {
        segment: list_views.line([one.customers for one in days if one.customers is not None])
        for segment, days in sizes.items()
    }
    values: dict[str, Any] = {"state": ListState(), "more": page.next, "problem_words": problem_words}
    return visit.page("customers/segments.html", details=details, lines=lines, **values)


async def quota_history(visit: Visit) -> Response:
    """What was used of the quota, day by day."""
    status = await _quota(visit).status(visit.tenant, _days(visit, _HISTORY_DAYS))
    used = [one.used for one in status.history]
    line = list_views.line(used, status.limit if status.unit == "contacts" else None)
    return visit.page("customers/quota.html", quota=status, line=line)


def state_of(visit: Visit, fields: SentFields) -> ListState:
    """The list that an address or a form asks for. Raises a 400 problem for one that can't be read."""
    try:
        return ListState.read(fields)
    except (ValueError, RecursionError):
        raise Problem(INVALID_REQUEST, visit.say("The address holds no filter that can be read.")) from None


def _edited(visit: Visit, state: ListState, fields: SentFields) -> ConditionTree:
    zone = zone_of(visit.signed_in.region)

    def day_start(day: str) -> str:
        return datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=zone).isoformat()

    node = condition_of(fields.one("field"), fields, day_start)
    if fields.one("negated"):
        node = {"not": node}
    wrap = fields.one("wrap")
    if wrap in filter_tree.WRAPS:
        node = {wrap: node} if wrap == "same_contact" else {wrap: [node]}
    place = _place(fields.one("at"))
    try:
        if fields.one("replace") and state.tree is not None:
            node = _keeping(state.tree, place, node)
            return filter_tree.rooted(filter_tree.replaced(state.tree, place, node)) or {}
        return filter_tree.added(state.tree, place, node)
    except NoSuchPlace as error:
        raise Incomplete(str(error)) from None


def _keeping(tree: ConditionTree, place: filter_tree.TreePlace, node: ConditionTree) -> ConditionTree:
    try:
        return condition_forms.changed(filter_tree.node_at(tree, place), node)
    except _MISSHAPEN:
        return node  # in place of something that is no condition


def _place(text: str) -> filter_tree.TreePlace:
    try:
        return place_of(text)
    except NoSuchPlace as error:
        raise Incomplete(str(error)) from None


async def _group(visit: Visit, state: ListState) -> list_views.FilterPart | None:
    if state.tree is None:
        return None
    segments = await _segment_names(visit) if "segment" in repr(state.tree) else {}
    try:
        return list_views.part_of(state, state.tree, (), visit.language, visit.say, segments=segments)
    except (*_MISSHAPEN, RecursionError):
        return None  # a filter that there is not; the list says what is wrong


async def _segment_names(visit: Visit) -> dict[str, str]:
    reader: FieldReader = visit.request.app.state.fields
    known = await reader.values(visit.tenant, "segment", ValuesAsked("", "", _MOST_VALUES), visit.now)
    return {str(one.value): one.label for one in known.values if one.label}


async def _editor(visit: Visit, state: ListState, fields: SentFields) -> dict[str, Any] | None:
    """What the form for a condition shows, where one is open."""
    if "at" not in visit.request.query_params:
        return None
    within = fields.one("wrap") == "same_contact" or list_views.within_same_contact(state.tree, fields.one("at"))
    choices = [one for one in FIELDS if one.key != "id" and (not within or one.about != "customer")]
    labels = [(one.key, condition_forms.label_of(one.key, visit.language)) for one in choices]
    field = FIELD_BY_KEY.get(fields.one("field"))
    known: list[FieldValue] = []
    if field is not None and (field.term is not None or field.kind == "segment"):
        reader: FieldReader = visit.request.app.state.fields
        known = (await reader.values(visit.tenant, field.key, ValuesAsked("", "", _MOST_VALUES), visit.now)).values
    offered = list_views.choices_of(field, known, visit.say)
    return {
        "hidden": {name: fields.one(name) for name in ("at", "wrap", "replace") if fields.one(name)},
        "labels": labels,
        "field": field,
        "label": "" if field is None else condition_forms.label_of(field.key, visit.language),
        "operators": [] if field is None else condition_forms.operators_of(field, visit.say),
        "known": known,
        "choices": offered,
        "pairs": [(value, name) for value, name, _ in offered],
        "given": _given(state, fields),
        "kept": _kept(visit, state, fields),
        "incomplete": bool(fields.one("incomplete")),
    }


def _given(state: ListState, fields: SentFields) -> dict[str, Any]:
    """What the form begins with: the condition that it replaces, if it replaces one."""
    if not fields.one("replace"):
        return {}
    try:
        node = filter_tree.node_at(state.tree, _place(fields.one("at")))
        return condition_forms.given_of(node) if filter_tree.first_key(node) == fields.one("field") else {}
    except _UNREADABLE:
        return {}


def _kept(visit: Visit, state: ListState, fields: SentFields) -> str:
    """What else the condition asks that the form replaces, in words."""
    if not fields.one("replace"):
        return ""
    try:
        node = filter_tree.node_at(state.tree, _place(fields.one("at")))
        kept, key = condition_forms.kept_of(node), filter_tree.first_key(node)
        whole = {key: node[key], **kept} if FIELD_BY_KEY[key].kind in {"tag", "value"} else {key: kept}
        return condition_forms.sentence_of(whole, visit.language, visit.say, lambda _, value: value)[1] if kept else ""
    except _UNREADABLE:
        return ""


def cannot_search(visit: Visit, error: Exception) -> str:
    """Why a filter can't be searched, in the reader's language."""
    if isinstance(error, TooDear):
        return visit.say("This would look at too many customers. Add a condition that fewer of them fulfil.")
    return visit.say("This filter can't be searched.") + f" {problem_words(str(error), visit.say).text}"


def _invalid(visit: Visit, error: ValidationError, written: Any) -> str:
    if any("cursor" in one["loc"] for one in error.errors()):
        return visit.say("This page of the list is no longer there. Go back to the first one.")
    place = refusals(error.errors(), {"filter": written})[0].place
    return visit.say("The filter has a condition that there is not. Remove it, or start anew.") + f" ({place})"


def _quota(visit: Visit) -> QuotaReader:
    quota: QuotaReader = visit.request.app.state.quota
    return quota


def _days(visit: Visit, number: int) -> DaySpan:
    last = datetime.fromtimestamp(visit.now / 1000, UTC).date()
    return DaySpan(last - timedelta(days=number - 1), last)


ROUTES: Final = (
    PageRoute(PATH, customers, _SEARCHING),
    PageRoute(f"{PATH}/condition", apply_condition, READING_SETTINGS),
    PageRoute(f"{PATH}/count", count, _SEARCHING),
    PageRoute(f"{PATH}/facets", facets, _SEARCHING),
    PageRoute("/console/segments", segments, _SEARCHING),
    PageRoute("/console/quota", quota_history, READING),
)

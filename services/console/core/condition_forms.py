"""Conditions as people fill them in: the fields of a form to the JSON of a condition, and back to a sentence (pure)."""

from collections.abc import Callable
from typing import Any, Final, Protocol

import orjson

from projections.customers.search.fields import FIELD_BY_KEY, FilterField
from services.console.core.filter_tree import ConditionTree, first_key, kind_of

Say = Callable[[str], str]
_LONGEST: Final = 1000
_NUMBER_TESTS: Final = ("eq", "gte", "lte", "gt", "lt")
_BOUNDS: Final = ("gt", "gte", "lt", "lte", "between")  # of which a relative time is a day
_MOST_DIGITS: Final = 9
_MOST_CHARACTERS_OF_A_NUMBER: Final = 15  # more are not exact


class FormFields(Protocol):
    """The fields of a form."""

    def one(self, name: str, default: str = "") -> str:
        """The first of that name."""

    def all(self, name: str) -> list[str]:
        """Each of that name."""


class Incomplete(Exception):
    """The form lacks a value, or has one that does not fit."""


def operators_of(field: FilterField, say: Say) -> list[tuple[str, str]]:
    """What can be asked of a field: the operators by name, and their words."""
    present = [("set", say("has a value")), ("unset", say("has none"))]
    equal, least, most = ("eq", say("is")), ("gte", say("is at least")), ("lte", say("is at most"))
    strict = [("gt", say("is more than")), ("lt", say("is less than"))]
    contains, listed = ("contains", say("contains")), ("in", say("is one of"))
    days = [("within", say("within the last … days")), ("older", say("more than … days ago"))]
    dates = [("from", say("on or after a day")), ("until", say("before a day"))]
    of_kind = {
        "text": [equal, contains, ("starts", say("begins with")), *present],
        "number": [equal, least, most, *strict],
        "time": [*days, *dates, *present],
        "value": [equal, ("ne", say("is not")), contains, least, most, *strict, *present],
        "flag": [("true", say("yes")), ("false", say("no"))],
    }
    if field.kind == "choice" and "flag" in field.forms:
        return [listed, ("set", say("is any")), ("unset", say("is none"))]
    return of_kind.get(field.kind, [listed])


def condition_of(key: str, form: FormFields, day_start: Callable[[str], str]) -> ConditionTree:
    """The condition that a form asks for. ``day_start`` gives a day's first moment. Raises Incomplete."""
    field = FIELD_BY_KEY.get(key)
    if field is None:
        raise Incomplete(Incomplete.__doc__)
    operator = form.one("operator")
    if field.kind == "tag":
        return {key: _text(form.one("value")), **_tag_limits(form)}
    if field.kind == "value":
        return {key: _text(form.one("attribute")), **_value_test(operator, form)}
    return {key: _value_of(field, operator, form, day_start)}


def _value_of(field: FilterField, operator: str, form: FormFields, day_start: Callable[[str], str]) -> Any:
    if operator in {"set", "unset"} and "flag" in field.forms:
        return operator == "set"
    match field.kind:
        case "flag":
            return operator != "false"
        case "time":
            return _time_test(operator, form, day_start)
        case "number":
            return {_one_of(operator, *_NUMBER_TESTS): _number(form.one("value"))}
        case "choice":
            return [_text(one) for one in form.all("value")] or _text("")
        case _:
            pass
    text = _text(form.one("value"))
    return {_one_of(operator, "eq", "contains", "starts"): text} if field.kind == "text" else text


def _tag_limits(form: FormFields) -> ConditionTree:
    count, days = form.one("count").strip(), form.one("days").strip()
    return ({"count": {"gte": _number(count)}} if count else {}) | ({"since": f"-{_number(days)}d"} if days else {})


def _value_test(operator: str, form: FormFields) -> ConditionTree:
    if operator in {"set", "unset"}:
        return {"set": operator == "set"}
    text = _text(form.one("value"))
    if operator == "contains":
        return {"contains": text}
    return {_one_of(operator, "ne", *_NUMBER_TESTS): _scalar(text, form.one("type"))}


def _scalar(text: str, kind: str) -> Any:
    if kind == "flag":
        return text.strip().lower() in {"true", "1", "yes", "是"}
    if kind != "number":
        return text
    try:
        return int(text) if text.strip().lstrip("-").isdigit() else float(text)
    except ValueError:
        raise Incomplete(Incomplete.__doc__) from None


def _time_test(operator: str, form: FormFields, day_start: Callable[[str], str]) -> Any:
    match operator:
        case "within" | "older":
            name = "since" if operator == "within" else "before"
            return {name: f"-{_number(form.one('value'))}d"}
        case "from" | "until":
            try:
                return {"since" if operator == "from" else "before": day_start(form.one("day"))}
            except ValueError:
                raise Incomplete(Incomplete.__doc__) from None
        case _:
            raise Incomplete(Incomplete.__doc__)


def equals(key: str, value: str) -> ConditionTree:
    """The condition that an attribute has a value, which facets give as text whatever its type is."""
    scalar = _typed(value)
    return {"attribute": key, "eq": value} if scalar is None else {"attribute": key, "in": [scalar, value]}


def _typed(value: str) -> bool | int | float | None:
    """The number, or yes or no, of which this is the text."""
    try:
        scalar = orjson.loads(value) if len(value) <= _MOST_CHARACTERS_OF_A_NUMBER else None
    except orjson.JSONDecodeError:
        return None
    return scalar if isinstance(scalar, bool | int | float) else None


def kept_of(node: ConditionTree) -> ConditionTree:
    """What a condition asks besides what the form shows of it: changing the condition keeps that. Empty for nothing."""
    key = first_key(node)
    field, value = FIELD_BY_KEY[key], node[key]
    if field.kind == "tag":
        return {name: one for name, one in node.items() if name != key and not _is_shown(name, one)}
    if field.kind == "value":
        return dict(_tests_of({name: one for name, one in node.items() if name != key})[1:])
    return dict(_tests_of(value)[1:]) if isinstance(value, dict) else {}


def changed(old: ConditionTree, new: ConditionTree) -> ConditionTree:
    """The condition of a form that replaces another one: what the form did not show is kept, unless asked anew."""
    key = first_key(new)
    field, kept = FIELD_BY_KEY[key], kept_of(old) if first_key(old) == key else {}
    if not kept or (field.kind in {"tag", "value"} and old[key] != new[key]):
        return new
    if field.kind in {"tag", "value"}:
        return {**new, **{name: _joined(one, new.get(name)) for name, one in kept.items()}}
    joins = isinstance(new[key], dict) and "set" not in new[key]
    return {key: new[key] | {name: one for name, one in kept.items() if name not in new[key]}} if joins else new


def _joined(kept: Any, asked: Any) -> Any:
    """Two values of one name: what is asked now counts, and of several tests each."""
    if isinstance(kept, dict) and isinstance(asked, dict):
        return kept | asked
    return kept if asked is None else asked


def _is_shown(name: str, value: Any) -> bool:
    """Whether the form of a tag has the test."""
    if name == "count":
        return isinstance(value, dict) and value.keys() == {"gte"}
    return name == "since" and bool(_days_of(value))


def _tests_of(value: ConditionTree) -> list[tuple[str, Any]]:
    """Operators with what they are given. Between two values is at least the one and at most the other."""
    found = [(name, one) for name, one in value.items() if one is not None]
    pairs = [[("gte", one[0]), ("lte", one[1])] if name == "between" else [(name, one)] for name, one in found]
    return [pair for several in pairs for pair in several]


def given_of(node: ConditionTree) -> dict[str, Any]:
    """The fields of the form that asks for a condition, as far as the form has them: the opposite of `condition_of`."""
    key = first_key(node)
    field, value = FIELD_BY_KEY[key], node[key]
    match field.kind:
        case "tag":
            count = node.get("count") or {}
            return {"value": value, "count": count.get("gte", ""), "days": _days_of(node.get("since"))}
        case "value":
            tests = _tests_of({name: one for name, one in node.items() if name != key})
            operator, asked = tests[0] if tests else ("set", True)
            return {"attribute": value, **_given_test(operator, asked)}
        case "time" if isinstance(value, dict):
            return _given_time(value)
        case "choice" if not isinstance(value, bool):
            return {"operator": "in", "values": [value] if isinstance(value, str) else value}
        case _:
            pass
    if isinstance(value, bool):
        words = ("true", "false") if field.kind == "flag" else ("set", "unset")
        return {"operator": words[0] if value else words[1]}
    return _given_test(*_tests_of(value)[0]) if isinstance(value, dict) else _given_test("eq", value)


def _given_test(operator: str, asked: Any) -> dict[str, Any]:
    if operator == "set":
        return {"operator": "set" if asked else "unset"}
    if operator == "in":
        operator, asked = "eq", asked[0]
    if isinstance(asked, bool):
        return {"operator": operator, "type": "flag", "value": "true" if asked else "false"}
    return {"operator": operator, "type": "number" if isinstance(asked, int | float) else "text", "value": asked}


def _given_time(value: ConditionTree) -> dict[str, Any]:
    name = first_key(value)
    asked = value[name]
    if name == "set":
        return {"operator": "set" if asked else "unset"}
    if days := _days_of(asked):
        return {"operator": "within" if name == "since" else "older", "value": days}
    return {"operator": "from" if name == "since" else "until", "day": str(asked)[: len("2026-01-01")]}


def _days_of(time: Any) -> str:
    text = str(time or "")
    return text[1:-1] if text.startswith("-") and text.endswith("d") else ""


def _text(text: str) -> str:
    if not text.strip() or len(text) > _LONGEST or "\x00" in text:
        raise Incomplete(Incomplete.__doc__)
    return text.strip()


def _number(text: str) -> int:
    stripped = text.strip()
    if not (stripped.isascii() and stripped.isdigit()) or len(stripped) > _MOST_DIGITS:
        raise Incomplete(Incomplete.__doc__)
    return int(stripped)


def _one_of(operator: str, *known: str) -> str:
    if operator not in known:
        raise Incomplete(Incomplete.__doc__)
    return operator


def label_of(key: str, language: str) -> str:
    """What people call a field; the key itself where there is no such field."""
    field = FIELD_BY_KEY.get(key)
    return key if field is None else field.en if language == "en" else field.zh_hant


def sentence_of(node: ConditionTree, language: str, say: Say, name_of: Callable[[str, str], str]) -> tuple[str, str]:
    """A condition without parts as its field and what is asked of it. ``name_of`` gives a value's name for people."""
    if kind_of(node) != "leaf":
        raise ValueError("a group has no sentence")
    key = first_key(node)
    value, others = node[key], {name: one for name, one in node.items() if name != key}
    label = label_of(key, language)
    if key == "attribute":
        return f"{label} {value}", "; ".join(_asked(others, say, lambda one: _scalar_name(one, say)))
    if key == "id":
        return label, say("%s chosen in the list") % (1 if isinstance(value, str) else len(value))
    asked = _asked(value, say, lambda one: name_of(key, str(one)))
    if key == "tag":
        limits = {"count": _asked(others.get("count", {}), say, str), "since": _asked_since(others, say)}
        asked = [*asked, *(say("times: %s") % one for one in limits["count"]), *limits["since"]]
    return label, "; ".join(asked)


def _scalar_name(value: Any, say: Say) -> str:
    return (say("yes") if value else say("no")) if isinstance(value, bool) else str(value)


def _asked_since(others: ConditionTree, say: Say) -> list[str]:
    return _asked({"since": others["since"]}, say, str) if others.get("since") is not None else []


def _asked(value: Any, say: Say, name_of: Callable[[Any], str]) -> list[str]:
    if isinstance(value, bool):
        return [say("yes") if value else say("no")]
    if isinstance(value, list):
        return [say(", ").join(map(name_of, value))]
    if isinstance(value, dict):
        return [_operator(name, one, say, name_of) for name, one in value.items() if one is not None]
    return [name_of(value)]


def _operator(name: str, value: Any, say: Say, name_of: Callable[[Any], str]) -> str:
    if name == "set":
        return say("has a value") if value else say("has none")
    if name in {"since", "before"}:
        return _time(name, str(value), say)
    words = {
        "eq": say("is %s"), "ne": say("is not %s"), "contains": say("contains “%s”"), "starts": say("begins with “%s”"),
        "gt": say("more than %s"), "gte": say("at least %s"), "lt": say("less than %s"), "lte": say("at most %s"),
        "in": say("is one of %s"), "between": say("between %s"),
    }  # fmt: skip
    if name in _BOUNDS:
        name_of = _dated(name_of, say)
    if name == "in" and len(value) == len(("typed", "as text")) and value[0] == _typed(str(value[1])):
        name, value = "eq", value[0]
    shown = say(", ").join(map(name_of, value)) if isinstance(value, list) else name_of(value)
    return words.get(name, "%s") % shown


def _dated(name_of: Callable[[Any], str], say: Say) -> Callable[[Any], str]:
    """The names of values that bound an attribute: relative times as days."""

    def name(value: Any) -> str:
        if value == "now":
            return say("today")
        span = _span(value, say) if isinstance(value, str) else ""
        return say("%s ago") % span if span else name_of(value)

    return name


def _span(value: str, say: Say) -> str:
    """A relative time in words, such as 30 days; empty for any other text."""
    units = {"m": say("%s minutes"), "h": say("%s hours"), "d": say("%s days"), "w": say("%s weeks")}
    is_relative = value.startswith("-") and value[1:-1].isdigit() and value[-1] in units
    return units[value[-1]] % value[1:-1] if is_relative else ""


def _time(name: str, value: str, say: Say) -> str:
    if span := _span(value, say):
        return (say("within the last %s") if name == "since" else say("more than %s ago")) % span
    return (say("from %s on") if name == "since" else say("before %s")) % value

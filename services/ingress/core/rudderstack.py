"""RudderStack's messages in Segment's words.

RudderStack's SDKs send a person's traits as ``context.traits``: those of ``identify`` only there, and the same again on
each later message. They name external ids ``context.externalId``, and those for apps repeat the message's own ids among
the traits. A `merge` may name the person only in what it merges. A message in Segment's words comes back unchanged.
"""

from typing import Any, Final, NamedTuple

from services.ingress.core.normalize import Fields
from services.ingress.core.web_merge import with_ids_of_merge
from services.ingress.core.web_sender import LONGEST_ID

MERGE: Final = "merge"
_IDS: Final = ("userId", "anonymousId")
# The traits that repeat an id of the message, and which one.
_COPIES: Final = {"userId": "userId", "id": "userId", "anonymousId": "anonymousId"}


class SegmentWords(NamedTuple):
    """A message's fields and its context, as Segment names them."""

    fields: Fields
    context: Fields


def in_segment_words(kind: str, fields: Fields, context: Fields) -> SegmentWords:
    """The message with its ids, traits and external ids where Segment has them; the arguments stay as they are."""
    repeated = context.get("traits")
    if isinstance(repeated, dict) and repeated:
        found = {name: repeated[name] for name in _IDS if repeated.get(name) and not fields.get(name)}
        fields = fields | found
        if kind == "identify":
            fields["traits"] = _identified(repeated, fields)
    if kind == MERGE:
        fields = with_ids_of_merge(fields, LONGEST_ID)
    if "externalId" in context:
        context = context | {"externalIds": _external_ids(context)}
    return SegmentWords(fields, context)


def _identified(repeated: Fields, fields: Fields) -> Fields:
    """The traits of both places, without copies of the message's ids; ``traits`` of no object become a trait."""
    copied = [name for name, field in _COPIES.items() if repeated.get(name) and repeated[name] == fields.get(field)]
    traits = {name: value for name, value in repeated.items() if name not in copied}
    own = fields.get("traits")
    if own is None:
        return traits
    return traits | (own if isinstance(own, dict) else {"traits": own})


def _external_ids(context: Fields) -> list[Any]:
    return [*_listed(context.get("externalIds")), *_listed(context.get("externalId"))]


def _listed(ids: Any) -> list[Any]:
    return ids if isinstance(ids, list) else [ids] if isinstance(ids, dict) else []

"""What two customers have in common, and in what they differ, as sentences; and what can be decided about it (pure)."""

from typing import NamedTuple

from services.console.core.condition_forms import Say
from services.console.core.names import Names, short
from services.query.core.candidate_models import CandidateSign
from services.query.core.identity_models import Conflict

_OF_TWO_MEMBERS = 3  # parts of a detail: the type, and the two values


class ConflictSides(NamedTuple):
    """What a conflict is between, as far as people can decide about it: two member ids, two contacts."""

    members: tuple[str, str] | None
    contacts: tuple[str, str] | None


def conflict_sides(conflict: Conflict) -> ConflictSides:
    """The two sides of a conflict. A merge of the members, or a decision about the contacts, settles it."""
    detail, refused = conflict.detail, conflict.status == "refused"
    of_members = refused and len(detail) == _OF_TWO_MEMBERS and detail[0] == "member_id"
    of_contacts = refused and conflict.type == "contact" and conflict.reason != "decided_different"
    return ConflictSides(
        (detail[1], detail[2]) if of_members else None, (conflict.contact, conflict.value) if of_contacts else None
    )


def sign_sentence(sign: CandidateSign, names: Names) -> str:
    """The sign as a sentence, with why links by the value were refused."""
    one, other = (short(value) for value in sign.values)
    if sign.sign == "contact":
        one, other = names.contact(sign.values[0]), names.contact(sign.values[1])
    template = _template(sign, names.say)
    text = template % {"one": one, "other": other, "what": names.identifier(sign.sign)}
    reasons = names.say("; ").join(map(names.reason, sign.reasons))
    if not reasons:
        return text
    return names.say("%(text)s Why no rule joins them: %(reasons)s.") % {"text": text, "reasons": reasons}


def _template(sign: CandidateSign, say: Say) -> str:
    """The sentence for a kind of sign: by whether the values are equal, similar or different."""
    degree = "differs" if sign.weight <= 0 else "equal" if sign.values[0] == sign.values[1] else "similar"
    of_degree = {
        ("name", "equal"): say("Both are called %(one)s."),
        ("name", "similar"): say("Their names are similar: %(one)s and %(other)s."),
        ("name", "differs"): say("Their names differ: %(one)s and %(other)s."),
        ("birthday", "equal"): say("Both were born on %(one)s."),
        ("birthday", "similar"): say("Their birthdays differ in one place: %(one)s and %(other)s."),
        ("birthday", "differs"): say("Their birthdays differ: %(one)s and %(other)s."),
        ("address", "equal"): say("Both have the address %(one)s."),
        ("address", "similar"): say("Their addresses are similar: %(one)s and %(other)s."),
    }
    of_kind = {
        "alias": say("The website names the member %(one)s of the one as a former ID of the other."),
        "local_part": say("Their e-mail addresses begin alike: %(one)s."),
        "similar_phone": say("Their phone numbers differ in one digit: %(one)s and %(other)s."),
        "contact": say("Both are bound to %(one)s."),
    }
    shared = say("Both have the same %(what)s: %(one)s.")
    return of_degree.get((sign.sign, degree)) or of_kind.get(sign.sign, shared)

"""Why a record was set aside, in the reader's language (pure).

Details are English sentences, of the codec and of pydantic; their values are kept. One that is not known here stays
as it is.
"""

from typing import Final

from services.console.core.condition_forms import Say
from services.console.core.known_details import Detail, in_words


def detail_words(detail: str, say: Say) -> Detail:
    """The detail of a dead letter as a sentence in the reader's language."""
    return in_words(detail, detail.removeprefix("Value error, "), _known(say))


def refusal_words(refusal: str, say: Say) -> Detail:
    """Why a dead letter would be refused again: ``reason: detail``, or a sentence."""
    known = [
        (r"no worker of this installation reads that topic", say("No worker of this installation reads that topic.")),
        (
            r"the dead letter is without the record, which was too large for its topic",
            say("The dead letter is without the record, which was too large for its topic."),
        ),
        (r"the key of its contact was destroyed", say("The key of its contact was destroyed.")),
    ]
    found = in_words(refusal, refusal, known)
    return detail_words(refusal.partition(": ")[2] or refusal, say) if found.english else found


_NUMBER: Final = r"-?[\d.]+"


def _known(say: Say) -> list[tuple[str, str]]:
    """Patterns of details, each with its sentence."""
    most, given = rf"(?P<most>{_NUMBER})", rf"(?P<given>{_NUMBER})"
    return [
        (r"Field required", say("The field is missing.")),
        (r"Extra inputs are not permitted", say("There is no such field.")),
        (r"Input should be a valid string", say("It has to be a text.")),
        (r"Input should be a valid integer.*", say("It has to be a whole number.")),
        (r"Input should be a valid number.*", say("It has to be a number.")),
        (r"Input should be a valid boolean.*", say("It has to be true or false.")),
        (r"Input should be a valid (list|tuple|array).*", say("It has to be a list.")),
        (r"Input should be (a valid dictionary|a valid object|an object).*", say("It has to be an object.")),
        (r"Input should be greater than or equal to " + most, say("It has to be %(most)s or more.")),
        (r"Input should be greater than " + most, say("It has to be more than %(most)s.")),
        (r"Input should be less than or equal to " + most, say("It has to be %(most)s or less.")),
        (r"Input should be less than " + most, say("It has to be less than %(most)s.")),
        (r"String should have at least " + most + r" characters?", say("It needs at least %(most)s characters.")),
        (r"String should have at most " + most + r" characters?", say("It may have at most %(most)s characters.")),
        (r"String should match pattern '(?P<form>.*)'", say("It does not have the form %(form)s.")),
        (r"Input should be (?P<values>'.*)", say("It has to be one of these: %(values)s")),
        (r"the record has no value", say("The record has no bytes.")),
        (
            r"the record's key is not known, or its seal is broken",
            say("The key that sealed the record is not known, or its seal is broken."),
        ),
        (
            rf"an event is at most {most} bytes, this has {given}",
            say("An event has at most %(most)s bytes, this one has %(given)s."),
        ),
        (rf"malformed JSON (?:at|near) character {given}", say("The JSON is wrong at character %(given)s.")),
        (r"an event is a JSON object", say("An event has to be a JSON object.")),
        (
            rf"version {given} of a type known up to {most}",
            say("It is version %(given)s of a type; this Onefold knows versions up to %(most)s."),
        ),
        (
            r"an event of an old version that is not as that version was",
            say("It says that it is of an old version, and does not have the form of that version."),
        ),
        (rf"more than {most} levels of nesting", say("It is nested more than %(most)s levels deep.")),
        (r"a key that is no text", say("The name of a field is no text.")),
        (r"text can't hold a NUL character", say("A text has a NUL character.")),
        (r"text can't hold a lone surrogate", say("A text has half a character (a lone surrogate).")),
        (r"a whole number has at most 64 bits", say("A whole number has more than 64 bits.")),
        (r"a number is finite", say("A number is not finite.")),
        (
            r"the record's key is not the one that its topic gives to its event",
            say("The key of the record is not the one that its event has in this topic."),
        ),
        (rf"at most {most} values are taken at once", say("At most %(most)s values are taken at once.")),
        (
            r"a value of type (?P<wanted>\w+) can't be (?P<found>\w+)",
            say("A value of the type %(wanted)s can't be of the type %(found)s."),
        ),
    ]

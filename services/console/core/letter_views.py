"""What pages show of dead letters: reasons, outcomes, and bytes as text (pure)."""

from collections import Counter
from collections.abc import Sequence
from typing import Final, NamedTuple

from services.console.core.condition_forms import Say
from services.verify.retry import RetryOutcome

MOST_SHOWN: Final = 65_536  # bytes


class ShownBytes(NamedTuple):
    """Bytes as text: as UTF-8 where they are that, else with what is not ASCII escaped; ``cut`` if there are more."""

    text: str
    size: int
    cut: bool


def shown_bytes(value: bytes | None) -> ShownBytes:
    """The beginning of the bytes as text."""
    whole = value or b""
    begin = whole[:MOST_SHOWN]
    try:
        text = begin.decode()
    except UnicodeDecodeError:
        text = begin.decode("ascii", "backslashreplace")
    return ShownBytes(text, len(whole), len(whole) > MOST_SHOWN)


def reason_name(reason: str, say: Say) -> str:
    """What people call the reason for which a record was set aside."""
    names = {
        "not_json": say("It is no JSON"),
        "not_an_object": say("It is no JSON object"),
        "empty": say("It is empty"),
        "invalid_field": say("A field is missing or wrong"),
        "nul_character": say("It has a character that can't be stored"),
        "too_large": say("It is too large"),
        "too_deep": say("It is nested too deeply"),
        "too_many_values": say("It has too many values"),
        "sealed": say("Its seal can't be opened"),
        "wrong_key": say("Its key belongs to another contact"),
        "future_version": say("It is of a later version of Onefold"),
        "cannot_be_saved": say("The database refused it"),
    }
    return names.get(reason, reason)


def outcome_name(outcome: str, say: Say) -> str:
    """What became of a dead letter that was to be sent again."""
    names = {
        "sent_again": say("sent again"),
        "sent_before": say("was sent again before"),
        "refused_again": say("would be refused again, and was not sent"),
    }
    return names.get(outcome, outcome)


def tally(done: Sequence[RetryOutcome]) -> list[tuple[str, int]]:
    """How often each outcome is there."""
    counted: Counter[str] = Counter(one.outcome for one in done)
    return counted.most_common()

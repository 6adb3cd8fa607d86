"""The history from before a number was connected, piece by piece, as messages and people like those of now.

A conversation names its person once, and its messages may leave that out; a message that names the person as its
recipient is the team's. What a piece says besides, such as how far the history has come, is an item of its own.
"""

from collections.abc import Iterator
from typing import Any

from projections.identity.resolution.contact_uids import one_spelling
from services.ingress.core.drafts import fields, listed
from services.ingress.core.normalize import Fields
from services.ingress.core.whatsapp_people import digits


def remembered(value: Fields) -> Iterator[tuple[str, Any]]:
    """The items of a change's ``history``, each with the name of the list that it would be in if it came now."""
    for piece in listed(value.get("history")):
        threads = [thread for thread in _threads(piece) if listed(thread.get("messages"))]
        for thread in threads:
            yield from _messages(thread)
        rest = {key: given for key, given in piece.items() if key != "threads"} if threads else piece
        if rest or not threads:
            yield "history", rest


def people(value: Fields) -> list[Fields]:
    """The people of the conversations, like entries of ``contacts``; without those of whom only the number is known."""
    threads = (thread for piece in listed(value.get("history")) for thread in _threads(piece))
    return [_person(thread) for thread in threads if "context" in thread]


def _threads(piece: Any) -> list[Fields]:
    return [thread for thread in listed(fields(piece).get("threads")) if isinstance(thread, dict)]


def _messages(thread: Fields) -> Iterator[tuple[str, Any]]:
    person = _person(thread)
    to = {"to": person["wa_id"], "to_user_id": person.get("user_id")}
    for message in thread["messages"]:
        kind = "message_echoes" if _is_to(person, message) else "messages"
        yield kind, to | message if isinstance(message, dict) else message


def _person(thread: Fields) -> Fields:
    context = fields(thread.get("context"))
    return {"wa_id": thread.get("id"), "profile": context} | context


def _is_to(person: Fields, message: Any) -> bool:
    names = (fields(message).get("from"), fields(message).get("to"), person["wa_id"])
    sender, recipient, number = (one_spelling(digits(name)) for name in names)
    return recipient == number != "" and sender not in {number, ""}

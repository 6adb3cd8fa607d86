"""What pages say of an erasure: what is typed to confirm it, and the places of its receipt (pure)."""

from collections.abc import Mapping

from services.console.core.condition_forms import Say
from services.query.core.models import CustomerView

_OF_AN_ID = 8  # characters of an id that stand for it


def confirmation(customer: CustomerView) -> str:
    """What has to be typed before the customer is erased: its member id, else the beginning of its id."""
    return customer.member_id or str(customer.id)[:_OF_AN_ID]


def confirms(typed: str, customer: CustomerView) -> bool:
    """Whether this was typed."""
    return typed.strip().casefold() == confirmation(customer).strip().casefold()


def removed_rows(removed: Mapping[str, int], say: Say) -> list[tuple[str, int]]:
    """How much was removed, by place; places of which nothing was removed are left out."""
    names = _removed(say)
    return [(names.get(place, place), number) for place, number in removed.items() if number]


def remains_rows(remains: list[str], say: Say) -> list[tuple[str, str]]:
    """The places that Onefold does not reach, each with what to do about it."""
    words = _remains(say)
    return [words.get(place, (place, "")) for place in remains]


def _removed(say: Say) -> Mapping[str, str]:
    return {
        "events": say("Events of the timeline"),
        "log_keys": say("Keys of the log, destroyed"),
        "waiting_changes": say("Changes that waited for webhooks"),
        "files": say("Files of imports, exports and bulk changes"),
        "imports_stopped": say("Imports stopped"),
        "import_results": say("Results of imports"),
        "exports_restarted": say("Exports begun anew"),
        "bulk_items": say("Entries of bulk changes"),
        "filters": say("Filters in ended jobs, replaced"),
        "events_of_others": say("Events of others, said again without the person"),
    }


def _remains(say: Say) -> Mapping[str, tuple[str, str]]:
    return {
        "backups": (
            say("Backups"),
            say("Delete those of before, or erase again after one was restored."),
        ),
        "downloaded_files": (
            say("Files that somebody downloaded"),
            say("Ask your team to delete exports that have the person."),
        ),
        "exported_log_files": (
            say("Files of onefold log export"),
            say("Delete them where they were written to."),
        ),
        "server_files": (
            say("Files of the database server"),
            say("Deleted rows go when the database next cleans up, and its log when it is reused."),
        ),
        "webhook_receivers": (
            say("Systems that receive webhooks"),
            say("They were told that the person is erased; what they keep is theirs to delete."),
        ),
        "events_of_others": (
            say("Events of other contacts that name the person"),
            say("What replaces them is in the log, and counts as soon as the workers that read it go on."),
        ),
        "unsent_changes": (
            say("Changes that the broker did not take in time"),
            say("They name a contact, and are sent once the broker is back."),
        ),
        "unsealed_log_records": (
            say("Records of the log that are not sealed"),
            say("Without keys of the log these stay readable on the broker: whoever runs Onefold can turn them on."),
        ),
    }

"""The pure parts of an erasure: its events, and its receipt."""

from uuid import UUID

from services.worker.jobs.erasure import events_of, receipt_of

ERASURE, AT = UUID(int=7), 1_760_000_000_000
CONTACTS = {UUID(int=1): "line:oa1:U1", UUID(int=2): "web:shop:user:a:b"}


def test_another_attempt_sends_the_same_events_one_for_each_contact() -> None:
    events = events_of("acme", ERASURE, AT, CONTACTS)
    assert events == events_of("acme", ERASURE, AT, dict(reversed(CONTACTS.items())))[::-1]
    assert [one.contact and one.contact.key for one in events] == list(CONTACTS.values())
    assert {(one.type, one.tenant, one.occurred_at) for one in events} == {("contact.erased", "acme", AT)}
    assert len({one.event_id for one in events}) == 2
    assert not any(key in one.event_id for one in events for key in CONTACTS.values())


def test_a_receipt_says_what_remains_and_which_generations_are_behind() -> None:
    removed = {"events": 3, "log_keys": 1}
    behind = {"g3": "building", "g2": "retired"}
    receipt = receipt_of(ERASURE, "acme", (1, 2), 2, removed, behind=behind, remains=["server_files", "backups"])
    assert receipt == {
        "id": str(ERASURE),
        "tenant": "acme",
        "requested_at": 1,
        "finished_at": 2,
        "contacts": 2,
        "removed": removed,
        "generations_behind": ["g2", "g3"],
        "remains": ["backups", "server_files"],
    }

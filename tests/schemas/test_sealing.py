"""Laws of sealed values: what each key opens, and what is left without it."""

import os
from contextlib import suppress
from uuid import UUID

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.changes import CustomerChange, Moved, apply_change, decode_change, encode_change
from schemas.codec import decode, encode
from schemas.events import Event, Identifier
from schemas.sealing import (
    KEY_ID_BYTES,
    SUBJECT_BYTES,
    BrokenSeal,
    Cipher,
    KeyName,
    NamedCipher,
    is_sealed,
    open_envelope,
    read_envelope,
    seal,
)
from schemas.subjects import (
    TENANT,
    contact_subject,
    erased_id,
    member_subject,
    references_in,
    references_in_change,
    subject_of,
)
from tests.support.strategies import BASE_MS, CONTACTS, events

PERSON = UUID(int=7)
CONTACT_KEYS = [one.key for one in CONTACTS]
_named = st.builds(Identifier, type=st.sampled_from(["contact", "phone"]), value=st.sampled_from(CONTACT_KEYS))
named = st.builds(
    lambda event, found: event.model_copy(update={"intrinsic": found}), events(), st.lists(_named, max_size=3)
)
contact_lists = st.lists(st.sampled_from(CONTACT_KEYS), max_size=4, unique=True)


class Keys:
    """A key for each subject that is asked for; `without` forgets some."""

    def __init__(self) -> None:
        self.known: dict[str, NamedCipher] = {}

    def of(self, subject: str) -> NamedCipher:
        if subject not in self.known:
            name = os.urandom(SUBJECT_BYTES + KEY_ID_BYTES)
            self.known[subject] = NamedCipher(name, Cipher(Cipher.generate_key(256)))
        return self.known[subject]

    def without(self, *subjects: str) -> dict[KeyName, Cipher]:
        return {key.name: key.cipher for subject, key in self.known.items() if subject not in subjects}


def sealed(event: Event, keys: Keys, record_key: bytes = b"k") -> bytes:
    references = [(one, keys.of(one.subject)) for one in references_in(event, PERSON)]
    return seal(encode(event), record_key, event.tenant, keys.of(subject_of(event)), references, os.urandom)


def opened(value: bytes, ciphers: dict[KeyName, Cipher], record_key: bytes = b"k") -> bytes | None:
    return open_envelope(read_envelope(value), record_key, ciphers)


@given(named)
def test_a_sealed_event_opens_to_the_same_event(event: Event) -> None:
    keys = Keys()
    value = sealed(event, keys)
    assert is_sealed(value)
    assert decode(opened(value, keys.without())) == event


@given(named)
def test_nothing_of_an_event_can_be_read_without_the_key_of_its_subject(event: Event) -> None:
    keys = Keys()
    value = sealed(event, keys)
    assert opened(value, keys.without(subject_of(event))) is None
    if event.contact is not None and len(event.contact.key) > 10:
        assert event.contact.key.encode() not in value


@given(named, st.sampled_from(CONTACT_KEYS))
def test_without_the_key_of_a_contact_no_event_names_it(event: Event, erased: str) -> None:
    keys = Keys()
    left = opened(sealed(event, keys), keys.without(contact_subject(erased)))
    if left is None:
        return
    event_left = decode(left)
    assert event_left.contact is None or event_left.contact.key != erased
    assert all((one.type, one.value) != ("contact", erased) for one in event_left.intrinsic)
    for name in ("linked_contact", "other", "by"):
        other = getattr(event_left.data, name, None)
        assert getattr(other, "key", None) != erased


def test_an_erasure_is_read_without_the_contacts_key_and_names_its_personal_id_alone() -> None:
    phone = Identifier(type="phone", value="+886911111111")
    event = erasure_of("whatsapp:n1:886911111111").model_copy(update={"intrinsic": [phone]})
    keys = Keys()
    value = sealed(event, keys)
    assert decode(opened(value, keys.without())) == event
    left = opened(value, keys.without(contact_subject("whatsapp:n1:886911111111")))
    assert left is not None
    assert b"886911111111" not in left
    found = decode(left)
    assert found.contact is not None
    assert erased_id(found.contact.key) == PERSON
    assert found.intrinsic == []
    again = sealed(found, keys)  # as a rebuild sends it on
    assert decode(opened(again, keys.without())) == found


def test_a_merge_of_member_ids_is_lost_with_either_key() -> None:
    event = decode(orjson.dumps(envelope("member.merged", {"member_id": "M1", "into": "M2"}) | {"contact": None}))
    keys = Keys()
    value = sealed(event, keys)
    assert decode(opened(value, keys.without())) == event
    assert opened(value, keys.without(member_subject("M1"))) is None
    assert opened(value, keys.without(member_subject("M2"))) is None


@given(contact_lists, contact_lists, st.sampled_from(CONTACT_KEYS))
def test_a_change_without_one_contacts_key_is_the_change_without_that_contact(
    before: list[str], after: list[str], erased: str
) -> None:
    change = change_of(before, after)
    keys = Keys()
    raw = encode_change(change)
    references = [(one, keys.of(one.subject)) for one in references_in_change(raw)]
    value = seal(raw, b"k", "demo", keys.of(TENANT), references, os.urandom)
    whole, left = opened(value, keys.without()), opened(value, keys.without(contact_subject(erased)))
    assert whole is not None
    assert left is not None
    assert decode_change(whole) == change
    found = decode_change(left)
    assert erased not in orjson.loads(left)["before"] + orjson.loads(left)["after"]
    contacts = set(found.before or ())
    apply_change(found, contacts)
    assert sorted(contacts) == found.after == sorted(set(after) - {erased})


@given(named, st.integers(0, 10_000), st.binary(min_size=1, max_size=3))
def test_a_changed_value_or_another_record_key_opens_to_nothing(event: Event, at: int, junk: bytes) -> None:
    keys = Keys()
    value = sealed(event, keys)
    at %= len(value)
    changed = value[:at] + junk + value[at + len(junk) :]
    for one, record_key in ((value, b"another"), (changed, b"k") if changed != value else (value, b"another")):
        with suppress(BrokenSeal):
            assert opened(one, keys.without(), record_key) is None


@given(st.binary(max_size=200))
def test_bytes_that_are_no_envelope_are_refused(rest: bytes) -> None:
    try:
        found = read_envelope(b"\xe5\x01" + rest)
    except BrokenSeal:
        return
    assert found.keys


def test_a_sealed_value_that_nobody_opened_is_no_event() -> None:
    with pytest.raises(ValueError, match="sealed"):
        decode(sealed(erasure_of(CONTACT_KEYS[0]), Keys()))


def erasure_of(contact: str) -> Event:
    return decode(orjson.dumps(envelope("contact.erased", {"request_id": "r1"}, contact)))


def envelope(type_name: str, data: dict[str, str], contact: str = CONTACT_KEYS[0]) -> dict[str, object]:
    channel, account, uid = contact.split(":", 2)
    return {
        "event_id": "e1",
        "tenant": "demo",
        "contact": {"channel": channel, "account": account, "uid": uid},
        "type": type_name,
        "occurred_at": BASE_MS,
        "received_at": BASE_MS,
        "source": "test",
        "data": data,
    }


def change_of(before: list[str], after: list[str]) -> CustomerChange:
    came, went = sorted(set(after) - set(before)), sorted(set(before) - set(after))
    return CustomerChange(
        tenant="demo",
        customer_id=PERSON,
        type="linked",
        at=BASE_MS,
        cause="e1",
        causes=["e1"],
        policy_version="1",
        before=sorted(before),
        after=sorted(after),
        came_from=[Moved(contacts=came)] if came else [],
        went_to=[Moved(customer_id=UUID(int=8), contacts=went)] if went else [],
    )

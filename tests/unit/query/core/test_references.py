"""Which names mean which customer, and which mean none."""

from uuid import UUID

import pytest

from schemas.events import ContactRef
from services.query.core.errors import NotFound
from services.query.core.references import ByContact, ByIdentifier, ByPersonalId, contact, customer, one_contact

_ID = "3f2a1c4e-0b7d-8e55-9a1b-2c3d4e5f6a7b"


@pytest.mark.parametrize("name", [_ID, _ID.upper()])
def test_a_personal_id_is_parsed_as_one(name: str) -> None:
    assert customer(name) == ByPersonalId(UUID(_ID))


@pytest.mark.parametrize(
    ("name", "uid"),
    [("contact:web:shop:c1", "c1"), ("contact:web:shop:c:1", "c:1"), ("contact:web:shop:a/b|小", "a/b|小")],
)
def test_a_contact_key_is_split_at_its_first_two_colons(name: str, uid: str) -> None:
    assert customer(name) == ByContact(ContactRef(channel="web", account="shop", uid=uid))


@pytest.mark.parametrize(
    "name",
    [
        "",
        "x",
        "contact",
        "contact:",
        "contact:line",
        "contact:line:oa1",
        "contact:line:oa1:",
        "contact:line::U1",
        "contact:fax:oa1:U1",
        "contact:LINE:oa1:U1",
        "contact:line:oa|1:U1",
        "contact:line:oa1:" + "U" * 256,
        "member:",
        "identity:M7",
        "{" + _ID + "}",
        "urn:uuid:" + _ID,
        _ID.replace("-", ""),
        _ID + "\n",
        _ID + "0",
        "\uff11f2a1c4e-0b7d-8e55-9a1b-2c3d4e5f6a7b",
    ],
)
def test_text_that_cannot_be_a_name_is_not_found(name: str) -> None:
    with pytest.raises(NotFound):
        customer(name)


@pytest.mark.parametrize(("form", "type_name"), [("member", "member_id"), ("phone", "phone"), ("email", "email")])
def test_an_identifier_is_kept_as_it_was_typed(form: str, type_name: str) -> None:
    assert customer(f"{form}: a:b/C ") == ByIdentifier(type_name, " a:b/C ")


@pytest.mark.parametrize("name", ["member", "phone:", "email:\0", "member:a\0", "line:oa1:U1", "x_card:1"])
def test_an_identifier_without_a_value_is_not_found(name: str) -> None:
    with pytest.raises(NotFound):
        customer(name)


@pytest.mark.parametrize("name", ["web:shop:c:1", "contact:web:shop:c:1"])
def test_one_contact_is_named_by_its_key_alone_too(name: str) -> None:
    assert one_contact(name) == ByContact(ContactRef(channel="web", account="shop", uid="c:1"))


def test_one_contact_is_named_by_its_id() -> None:
    assert one_contact(_ID) == ByPersonalId(UUID(_ID))


@pytest.mark.parametrize("name", ["", "line", "line:oa1", "contact:line:oa1", "member:M7", "fax:a:b"])
def test_text_that_names_no_contact_is_not_found(name: str) -> None:
    with pytest.raises(NotFound):
        one_contact(name)


@pytest.mark.parametrize(
    "parts", [("line", "", "U1"), ("line", "oa1", ""), ("line", "a:b", "U1"), ("Line", "oa1", "U1")]
)
def test_parts_that_cannot_be_a_contact_key_are_not_found(parts: tuple[str, str, str]) -> None:
    with pytest.raises(NotFound):
        contact(*parts)

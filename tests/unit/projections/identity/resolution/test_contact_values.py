"""Phones and e-mails as people fill in a field are read as the values that they mean."""

import orjson
import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from projections.identity.resolution.contact_values import MOST_VALUES, contact_values, emails_in, phones_in
from projections.identity.resolution.policy import Policy
from projections.identity.resolution.values import Normalised, normalise
from schemas.events import Event
from schemas.events.identity import Binding
from services.ingress.core.events import RequestContext
from services.ingress.core.members import Terms, validate_member
from services.ingress.core.statements import AcceptedItem
from tests.support.web_bodies import events_of, message

REGIONS = ("TW", "HK", "SG", "MY", "TH", "JP", "BR", "US", "GB", "VN", "PH", "KR", "AU", "MX", "IN")
MOBILE, OFFICE = "+886912345678", "+886223456789"
NOW = 1_760_000_000_000


def _read(type_name: str, values: tuple[str, ...], region: str = "TW") -> list[str]:
    policy = Policy(default_region=region)
    found = (normalise(type_name, value, policy) for value in values)
    return [one.spelling if isinstance(one, Normalised) else one for one in found]


def _number(region: str) -> phonenumbers.PhoneNumber:
    number = phonenumbers.example_number_for_type(region, PhoneNumberType.MOBILE)
    assert number is not None
    return number


def _identifiers(events: tuple[Event, ...], type_name: str) -> tuple[str, ...]:
    bindings = [event.data for event in events if isinstance(event.data, Binding)]
    return tuple(one.value for binding in bindings for one in binding.identifiers if one.type == type_name)


def _at_every_door(type_name: str, text: str) -> list[tuple[str, ...]]:
    """The values that each route states of a field with this text."""
    context = RequestContext("acme", NOW, may_set_tenant=False)
    records = ({type_name: text}, {type_name: {"value": text}}, {"identifiers": [{"type": type_name, "value": text}]})
    taken = [validate_member(record, 0, context, Terms(member_id="M7")) for record in records]
    stated = [_identifiers(one.events, type_name) for one in taken if isinstance(one, AcceptedItem)]
    external = {"externalIds": [{"type": type_name, "id": text}]}
    messages = (
        message("identify", traits={type_name: text}),
        message("track", event="Paid", context={"traits": {type_name: text}}),
        message("page", context=external),
    )
    return stated + [_identifiers(events_of(one), type_name) for one in messages]


@pytest.mark.parametrize("region", REGIONS)
def test_digits_alone_are_the_number_in_every_region_at_every_door(region: str) -> None:
    number = _number(region)
    expected = phonenumbers.format_number(number, PhoneNumberFormat.E164)
    for text in (expected, expected.removeprefix("+")):
        for values in _at_every_door("phone", text):
            for of_tenant in (region, "TW"):
                assert _read("phone", values, of_tenant) == [expected], (text, of_tenant)


@pytest.mark.parametrize("region", REGIONS)
@pytest.mark.parametrize("around", ["{}", "tel:{}", "{};", "{} ext. 12", "{} #12", "{}分機12", "{} (home)", "\t{}\n"])
def test_what_stands_around_a_number_is_left_out_in_every_region(region: str, around: str) -> None:
    number = _number(region)
    expected = phonenumbers.format_number(number, PhoneNumberFormat.E164)
    for form in (PhoneNumberFormat.E164, PhoneNumberFormat.INTERNATIONAL, PhoneNumberFormat.NATIONAL):
        text = around.format(phonenumbers.format_number(number, form))
        assert _read("phone", phones_in(text), region) == [expected], text


@pytest.mark.parametrize(
    "text",
    [
        *(
            "0912345678 / 02-2345-6789",
            "0912345678;02-2345-6789",
            "0912345678,02-2345-6789",
            "0912345678、02-2345-6789",
        ),
        *(
            "0912345678\n02-2345-6789",
            "0912345678 02-2345-6789",
            "+886912345678 +886223456789",
            "0912345678或0223456789",
        ),
        *("0912-345-678 or (02) 2345-6789", "886912345678 | 886223456789;", "0912345678 & 02-2345-6789 ext. 5"),
        "0912345678 (mobile), 02-2345-6789 #12 (office)",
    ],
)
def test_several_numbers_in_a_field_are_each_stated(text: str) -> None:
    for values in _at_every_door("phone", text):
        assert _read("phone", values) == [MOBILE, OFFICE]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("tel:+886-2-2345-6789;ext=12", OFFICE),
        ("tel:2345-6789;phone-context=+886-2", OFFICE),
        ("TEL:%2B886912345678", MOBILE),
        ("whatsapp:+886912345678", MOBILE),
        ("https://wa.me/886912345678", MOBILE),
        ("02-2345-6789,,123#", OFFICE),
        ("02-2345-6789 轉 123", OFFICE),
        ("02-2345-6789~91", OFFICE),
        ("(02)2345-6789 extension 12", OFFICE),
        ("".join(chr(ord(one) + 0xFEE0) for one in "0912-345-678"), MOBILE),
        ("手機: 0912345678", MOBILE),
        ("0912345678 王小明", MOBILE),
        ("0912/345/678", MOBILE),
        ("+49 30/1234567", "+49301234567"),
        ("+886(0)912345678", MOBILE),
        ("912345678", MOBILE),
    ],
)
def test_a_number_is_read_out_of_what_people_write(text: str, expected: str) -> None:
    assert _read("phone", phones_in(text)) == [expected]


@pytest.mark.parametrize(
    "text", ["", "none", "0912", "9.12E+08", "02-2345-6789/90", "0912 345 678 0922 333 444", "#12"]
)
def test_a_text_without_a_number_is_stated_as_it_is(text: str) -> None:
    assert phones_in(text) == (text,)
    assert _read("phone", phones_in(text)) == ["no_value"]


@pytest.mark.parametrize(
    "text",
    [
        *("a@b.co", "mailto:a@b.co?subject=Hi%20Ann&cc=c@d.co", "MAILTO:a%40b.co", "Ann Lee <a@b.co>", "a@b.co."),
        *('"Lee, Ann" <a@b.co>', "Lee, Ann <a@b.co>", "<mailto:a@b.co>", "Ann (a@b.co)", "a@b.co (Ann)", "a@b.co;"),
        *("E-mail: a@b.co", "信箱\uff1aa@b.co", "'a@b.co'", " a@b.co, a@b.co ", "a\uff20b.co"),
    ],
)
def test_an_address_is_read_out_of_what_people_write(text: str) -> None:
    for values in _at_every_door("email", text):
        assert _read("email", values) == ["a@b.co"]


@pytest.mark.parametrize(
    "text",
    [
        *("a@b.co, c@d.co", "a@b.co;c@d.co;", "a@b.co c@d.co", "a@b.co/c@d.co", "a@b.co\nc@d.co", "a@b.co、c@d.co"),
        *("Ann <a@b.co>, Bob <c@d.co>", '"Lee, Ann" <a@b.co>; c@d.co', "a@b.co or c@d.co", "mailto:a@b.co,c@d.co"),
    ],
)
def test_several_addresses_in_a_field_are_each_stated(text: str) -> None:
    for values in _at_every_door("email", text):
        assert _read("email", values) == ["a@b.co", "c@d.co"]


@pytest.mark.parametrize("text", ["", "none", "a(at)b.co", "a@b", "a@@b.co", "Ann a@b.co", "ann lee@b.co", "a@ b.co"])
def test_an_address_that_may_be_misspelt_is_not_guessed(text: str) -> None:
    assert _read("email", emails_in(text)) == ["no_value"]


@pytest.mark.parametrize("text", ["o'neil@b.co", "first/last@b.co", "李@例子.台灣", "a+b@c.co", "lee,ann@b.co"])
def test_an_odd_address_stays_as_it_is(text: str) -> None:
    assert emails_in(text) == (text,)


@given(
    st.sampled_from(["phone", "email", "x_card", "member_id"]),
    st.one_of(st.text(max_size=600), st.text("0123456789+-() /;,#xa@b.<>\"'、或\n", max_size=600)),
)
def test_any_text_has_values_that_an_event_can_hold(type_name: str, text: str) -> None:
    values = contact_values(type_name, text)
    assert 0 < len(values) <= MOST_VALUES
    assert len(set(values)) == len(values)
    assert all(len(value) <= 512 or value == text for value in values)
    if type_name not in {"phone", "email"}:
        assert values == (text,)


@pytest.mark.parametrize("text", [" " * 512, "a" * 511 + "1", "(" * 512, "x1" * 256, '"' * 512, "ﷺ" * 512, "<a@" * 170])
def test_a_hostile_text_takes_little_time(text: str) -> None:
    for type_name in ("phone", "email"):
        assert contact_values(type_name, text)


def test_the_text_of_a_member_is_kept_where_its_values_differ() -> None:
    record = {
        "phone": "0912345678 / 02-2345-6789",
        "email": {"value": "Ann <a@b.co>", "verified": True},
        "previous_phone": "0933222111 ext. 5",
        "identifiers": [{"type": "x_card", "value": "C-1 / C-2"}, {"type": "phone", "value": "tel:0922333444"}],
    }
    outcome = validate_member(record, 0, RequestContext("acme", NOW, may_set_tenant=False), Terms(member_id="M7"))
    assert isinstance(outcome, AcceptedItem)
    gone, here, kept = outcome.events
    assert _identifiers((gone,), "phone") == ("0933222111",)
    assert _identifiers((here,), "phone") == ("0912345678", "02-2345-6789", "0922333444")
    assert _identifiers((here,), "x_card") == ("C-1 / C-2",)
    assert (kept.type, kept.data) == (
        "crm.member",
        {
            "as_sent": {
                "phone": "0912345678 / 02-2345-6789",
                "email": "Ann <a@b.co>",
                "previous_phone": "0933222111 ext. 5",
                "identifiers.1": "tel:0922333444",
            }
        },
    )


def test_the_text_of_a_message_is_kept_where_its_values_differ() -> None:
    traits = {"phone": "0912345678 / 02-2345-6789", "email": ["a@b.co", "c@d.co"], "plan": "gold"}
    kept = events_of(message("identify", traits=traits))[-1]
    assert orjson.loads(orjson.dumps(kept.data)) == {
        "as_sent": {name: traits[name] for name in ("phone", "email")},
    }
    tracked = events_of(message("track", event="Paid", properties={"a": 1}, context={"traits": traits}))[-1]
    assert tracked.data.model_dump()["properties"] == {  # type: ignore[union-attr]  # of a known type
        "a": 1,
        "as_sent": {name: traits[name] for name in ("phone", "email")},
    }

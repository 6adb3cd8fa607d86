from typing import Any

import pytest

from projections.exports.headings import CHINESE, ENGLISH
from projections.imports.columns import columns_of
from projections.imports.errors import WrongColumns
from projections.imports.order import ImportOrder

CUSTOMERS = ImportOrder(kind="customers")
LINE = ImportOrder(kind="contacts", channel="line", account="oa")


@pytest.mark.parametrize(
    ("titles", "fields"),
    [
        (["Member ID", "Email", "Phone"], ("member_id", "email", "phone")),
        (["會員編號", "姓名", "手機號碼", "電子信箱", "標籤"], ("member_id", "name", "phone", "email", "tags")),
        (["member-id", "vip_level", "備註"], ("member_id", "attribute:vip_level", "ignore")),
    ],
)
def test_columns_are_guessed_from_english_and_chinese_titles(titles: list[str], fields: tuple[str, ...]) -> None:
    assert columns_of(titles, CUSTOMERS).fields == fields


@pytest.mark.parametrize("titles", [ENGLISH.values(), CHINESE.values(), ENGLISH.keys()])
def test_the_titles_of_our_own_exports_are_known(titles: Any) -> None:
    fields = dict(zip(ENGLISH, columns_of(titles, CUSTOMERS).fields, strict=True))
    assert {name for name, field in fields.items() if field != "ignore"} == {
        "member_id",
        "name",
        "phone",
        "email",
        "tags",
    }
    of_contacts = dict(zip(ENGLISH, columns_of(titles, LINE).fields, strict=True))
    assert of_contacts["line_uid"] == "uid"
    assert of_contacts["facebook_psid"] == "ignore"
    assert (of_contacts["staff"], of_contacts["branch"]) == ("staff", "branch")


def test_names_of_custom_attributes_are_known_but_for_those_of_fields() -> None:
    names = [("生日", "birthday"), ("Member level", "level"), ("電話", "other_phone")]
    found = columns_of(["會員編號", "生日", "member-level", "電話"], CUSTOMERS, names)
    assert found.fields == ("member_id", "attribute:birthday", "attribute:level", "phone")


def test_a_mapping_comes_before_what_is_guessed() -> None:
    order = ImportOrder(kind="customers", mapping={"Code": "member_id", "Member ID": "ignore"})
    assert columns_of(["Member ID", "Code"], order).fields == ("ignore", "member_id")


@pytest.mark.parametrize(
    ("titles", "order"),
    [
        (["Name"], CUSTOMERS),
        (["Name"], LINE),
        (["Member ID", "Phone", "手機"], CUSTOMERS),
        (["User ID", "Binding Teammate"], LINE),
        (["Member ID"], ImportOrder(kind="customers", mapping={"Other": "name"})),
    ],
)
def test_columns_that_say_too_little_or_something_twice_are_refused(titles: list[str], order: ImportOrder) -> None:
    with pytest.raises(WrongColumns):
        columns_of(titles, order)


def test_columns_that_are_refused_are_named_with_what_they_were_taken_for() -> None:
    with pytest.raises(WrongColumns) as refused:
        columns_of(["Code", "Name"], CUSTOMERS)
    assert refused.value.columns == (("Code", "attribute:Code"), ("Name", "name"))

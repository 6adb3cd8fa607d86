"""What pages show of an import, and what the form of its columns says."""

from services.console.core.import_views import (
    NEW_ATTRIBUTE,
    bars_of,
    columns_of,
    field_options,
    mapping_of,
    reason_name,
)

RESULT = {
    "columns": [
        {"title": "Code", "field": "member_id", "guessed": False},
        {"title": "Level", "field": "attribute:Level", "guessed": True},
        {"title": "Level", "field": "ignore", "guessed": True},
    ],
    "first_rows": [["1", "gold"], ["2"]],
}


def say(sentence: str) -> str:
    return sentence


def test_columns_come_with_their_first_cells_also_of_a_file_that_was_refused() -> None:
    assert [one.cells for one in columns_of(RESULT, None)] == [["1", "2"], ["gold"], []]
    assert [one.title for one in columns_of(None, {"columns": RESULT["columns"]})] == ["Code", "Level", "Level"]
    assert columns_of(None, None) == []


def test_the_form_states_each_column_and_the_first_of_equal_titles_counts() -> None:
    columns = columns_of(RESULT, None)
    assert mapping_of(columns, {}, {}) == {"Code": "member_id", "Level": "attribute:Level"}
    chosen = {0: "ignore", 1: NEW_ATTRIBUTE, 2: "name"}
    assert mapping_of(columns, chosen, {1: " tier "}) == {"Code": "ignore", "Level": "attribute:tier"}


def test_what_a_column_was_taken_for_can_be_chosen() -> None:
    for kind in ("customers", "contacts"):
        offered = [value for value, _ in field_options(kind, ["attribute:Level", "name"], say)]
        assert {"ignore", "member_id", "name", "attribute:Level", NEW_ATTRIBUTE} <= set(offered)
        assert ("uid" in offered) == (kind == "contacts")


def test_the_bar_has_all_rows() -> None:
    bars = bars_of({"created": 1, "updated": 2, "unchanged": 0, "refused": 1, "empty": 0}, say)
    assert [(one.outcome, one.start, one.width) for one in bars if one.rows] == [
        ("created", 0, 25),
        ("updated", 25, 50),
        ("refused", 75, 25),
    ]
    assert {one.width for one in bars_of({}, say)} == {0}


def test_a_reason_without_words_of_its_own_is_still_shown() -> None:
    assert reason_name("repeated", say) == "repeated row"
    assert reason_name("something_else", say) == "something else"

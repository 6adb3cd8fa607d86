"""Labelled records as customers: a stated number joins them, and candidates join what has typing errors."""

from benchmarks.identity_quality.febrl import FebrlRecord, exact_clusters, with_candidates

FIELDS = {
    "given_name": "jonathan",
    "surname": "waller",
    "street_number": "6",
    "address_1": "tullaroop street",
    "postcode": "4011",
    "date_of_birth": "19081209",
    "soc_sec_id": "6988048",
}


def record(name: str, **fields: str) -> FebrlRecord:
    return FebrlRecord(f"crm:febrl:{name}", 1, FIELDS | fields)


def test_records_of_one_number_are_one_customer() -> None:
    several = [record("a"), record("b", surname="other"), record("c", soc_sec_id="1234567")]
    assert sorted(map(len, exact_clusters(several))) == [1, 2]


def test_a_candidate_joins_a_record_whose_number_is_mistyped() -> None:
    several = [record("a"), record("b"), record("c", soc_sec_id="6988049", surname="wallre")]
    assert with_candidates(several, exact_clusters(several)) == [frozenset(one.contact for one in several)]


def test_a_record_of_another_person_stays_alone() -> None:
    other = record("b", given_name="mei", surname="lin", date_of_birth="19610708", soc_sec_id="1", address_1="road")
    several = [record("a"), other]
    assert len(with_candidates(several, exact_clusters(several))) == 2

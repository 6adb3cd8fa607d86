from uuid import RFC_4122, UUID

from hypothesis import given
from hypothesis import strategies as st

from projections.engine.ids import NO_CONTACT, personal_id
from services.runtime.contact_ids import id_of


def test_ids_never_change() -> None:
    """Other systems store ids: a changed derivation would invalidate every id that was ever issued."""
    assert personal_id(b"key", "line:oa1:U1") == UUID("311ca597-517b-86db-a0fa-c7c135de7890")
    assert id_of("a master key")("demo", "line:oa1:U1") == UUID("340dc8d5-94b7-8387-aad6-679e7ba4b5e6")


@given(st.binary(min_size=1), st.text(st.characters(exclude_categories=["Cs"])))
def test_every_id_is_a_uuid_of_version_8(key: bytes, contact_key: str) -> None:
    made = personal_id(key, contact_key)
    assert (made.version, made.variant) == (8, RFC_4122)
    assert made != NO_CONTACT


def test_tenants_and_masters_do_not_share_ids() -> None:
    one, other = id_of("one"), id_of("other")
    made = {one("a", "line:x:U"), one("b", "line:x:U"), other("a", "line:x:U"), one("a", "line:x:V")}
    assert len(made) == 4


def test_cached_ids_are_the_same() -> None:
    of = id_of("one")
    assert of("a", "line:x:U") == of("a", "line:x:U") == id_of("one")("a", "line:x:U")
    assert hash(of("a", "line:x:U")) == hash(UUID(str(of("a", "line:x:U"))))

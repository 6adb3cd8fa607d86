from aiokafka.partitioner import DefaultPartitioner
from hypothesis import given
from hypothesis import strategies as st

from services.runtime.publishing import partition_of


@given(st.binary(max_size=60), st.integers(1, 50))
def test_a_key_goes_where_every_other_client_of_kafka_sends_it(key: bytes, count: int) -> None:
    assert partition_of(key, count) == DefaultPartitioner()(key, list(range(count)), [])

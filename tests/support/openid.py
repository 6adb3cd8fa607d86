"""A small real OpenID provider in this process."""

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

with warnings.catch_warnings():  # it warns of parts that it will replace
    warnings.simplefilter("ignore", DeprecationWarning)
    from oidc_provider_mock import User, run_server_in_thread


@contextmanager
def openid_provider(people: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Yield the issuer's address; ``people`` are claims by subject."""
    users = [User(sub=sub, claims=dict(claims)) for sub, claims in people.items()]
    with run_server_in_thread(user_claims=users) as server:
        yield f"http://localhost:{server.server_port}"

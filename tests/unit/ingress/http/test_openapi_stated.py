"""The OpenAPI document tells of the fields that are taken, and of routes that there are."""

import orjson
import pytest
from jsonschema import Draft202012Validator

from services.ingress.core.contact_commands import Command, validate_command
from services.ingress.core.events import Rejected, RequestContext
from services.ingress.core.members import FIELDS, Terms, validate_member
from services.ingress.http.openapi_stated import PATHS, SCHEMAS
from services.ingress.http.routes import ingress_routes

CONTEXT = RequestContext("acme", 1_760_000_000_000, may_set_tenant=False)
PHONE = {"type": "phone", "value": "+886911111111"}
RECORDS = [
    {"member_id": 7, "phone": 886911111111, "email": {"value": "a@b.co", "verified": True}, "attributes": {"a": None}},
    {"member_id": "7", "tags": {"add": ["a", {"tag": "b", "expires_after": 3}]}, "unbind": [PHONE]},
    {"member_id": "7", "identifiers": [PHONE | {"assurance": "verified"}], "attributes": {"a": {"value": 1}}},
]
BODIES: list[tuple[Command, object]] = [
    ("unsubscribe", {"kinds": ["broadcast"], "by": "amy"}),
    ("resubscribe", {}),
    ("tags", {"add": ["a"], "remove": [{"tag": "b"}], "source": "manual"}),
    ("attributes", {"set": {"a": 1, "b": {"value": "x", "type": "text"}}, "unset": ["c"]}),
    ("unbind", {"by": "amy", "identifiers": [PHONE], "linked_contact": "web:s:1", "note": "two people"}),
]


def fits(schema: object, said: object) -> bool:
    return Draft202012Validator({"allOf": [schema], "components": {"schemas": SCHEMAS}}).is_valid(said)


def test_its_fields_are_those_that_a_record_may_have() -> None:
    assert SCHEMAS["Member"]["properties"].keys() == FIELDS


@pytest.mark.parametrize("record", RECORDS)
def test_a_record_that_is_taken_fits_and_one_that_is_not_does_not(record: dict[str, object]) -> None:
    assert fits(SCHEMAS["Member"], record)
    assert not isinstance(validate_member(record, 0, CONTEXT, Terms()), Rejected)
    assert not fits(SCHEMAS["Member"], record | {"nickname": "x"})


@pytest.mark.parametrize(("command", "body"), BODIES)
def test_a_command_that_is_taken_fits_and_one_that_is_not_does_not(command: Command, body: dict[str, object]) -> None:
    said = PATHS[f"/v1/contacts/{{channel}}/{{account}}/{{uid}}/{command}"]["post"]["requestBody"]
    schema = said["content"]["application/json"]["schema"]
    contact = {"channel": "web", "account": "s", "uid": "1"}
    assert fits(schema, body)
    assert not isinstance(validate_command(command, contact, orjson.dumps(body), CONTEXT, None), Rejected)
    assert not fits(schema, body | {"x": 1})


def test_every_path_it_tells_of_is_a_route() -> None:
    served = {(route.path.replace(":path", ""), method) for route in ingress_routes() for method in route.methods or ()}
    assert {(path, method.upper()) for path, said in PATHS.items() for method in said} <= served

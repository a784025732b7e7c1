"""The base of request bodies: what an unknown member and a null mean."""

from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, GetJsonSchemaHandler, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema


class Request(BaseModel):
    """A request body. An unknown member is an error. A null means that an optional member was not given.

    Many clients write null for each member that they leave out.
    """

    model_config = ConfigDict(extra="forbid")
    null_has_meaning: ClassVar[frozenset[str]] = frozenset()
    """The members whose null is a value."""

    @classmethod
    def is_absent(cls, name: str, value: Any) -> bool:
        """Return whether such a value means that the member was not given."""
        return value is None and name not in cls.null_has_meaning and _is_optional(cls, name)

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, describe: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Allow null in each optional member."""
        described = describe.resolve_ref_schema(describe(schema))
        for name, member in described["properties"].items():
            if _is_optional(cls, name):
                described["properties"][name] = _nullable(member)
        return described

    @model_validator(mode="before")
    @classmethod
    def _without_absent_members(cls, members: Any) -> Any:
        if not isinstance(members, dict):
            return members
        return {name: value for name, value in members.items() if not cls.is_absent(name, value)}


def _is_optional(model: type[BaseModel], name: str) -> bool:
    field = model.model_fields.get(name)
    return field is not None and not field.is_required()


def _nullable(member: JsonSchemaValue) -> JsonSchemaValue:
    if {"type": "null"} in member.get("anyOf", ()):
        return member
    value = {name: rule for name, rule in member.items() if name not in {"default", "title"}}
    return {"anyOf": [value, {"type": "null"}], **{name: member[name] for name in member.keys() - value.keys()}}

"""The answers of a flag evaluation by OFREP."""

from typing import Literal

from pydantic import BaseModel
from pydantic.json_schema import SkipJsonSchema

from segmentation.contract.values import Because


class FlagMetadata(BaseModel):
    """What decides the value of a flag. An unknown reason is absent."""

    because: Because | SkipJsonSchema[None] = None


class Flag(BaseModel):
    """A segment as a boolean flag: whether the user is in the segment now."""

    key: str
    value: bool
    variant: Literal["on", "off"]
    reason: Literal["SPLIT", "TARGETING_MATCH"]
    metadata: FlagMetadata


class Flags(BaseModel):
    """The flags of all segments, ordered by key."""

    flags: list[Flag]

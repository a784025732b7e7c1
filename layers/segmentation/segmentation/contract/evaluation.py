"""The request of a flag evaluation by OFREP, and its own errors."""

import re
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from segmentation.contract.problems import MAX_ANSWER_BYTES, AnswerTooLarge, Problem
from segmentation.contract.values import MAX_USER_ID

MISSING = "missing"
"""The kind of pydantic's error for a member that is not given."""

_PLAIN_DIGITS = re.compile(r"[1-9][0-9]{0,18}", re.ASCII)


def _given(value: Any) -> Any:
    """Reject null and an empty text as a member that was not given. Clients write both for an absent key."""
    if value is None or value == "":
        raise PydanticCustomError(MISSING, "must be given: the id of a user")
    return value


def _targeting_key(value: Any) -> Any:
    """Return the user id of a text or a number. A boolean is a number in Python alone."""
    if isinstance(value, str) and _PLAIN_DIGITS.fullmatch(value):
        value = int(value)
    if type(value) is not int or not 1 <= value <= MAX_USER_ID:
        raise ValueError(f"must be a user id, in plain digits: 1 to {MAX_USER_ID}")
    return value


TargetingKey = Annotated[
    int,
    Field(description="The id of a user, as a text or as a number."),
    BeforeValidator(_targeting_key),
    BeforeValidator(_given),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "pattern": "^[1-9][0-9]{0,18}$"},
                {"type": "integer", "minimum": 1, "maximum": MAX_USER_ID},
            ]
        }
    ),
]


class EvaluationContext(BaseModel):
    """The user for whom flags are evaluated. Other members are attributes of the user. The service ignores them."""

    model_config = ConfigDict(extra="ignore", json_schema_extra={"additionalProperties": True})

    targeting_key: TargetingKey = Field(alias="targetingKey")


class Evaluation(BaseModel):
    """The context of an evaluation. Other members are ignored, because OFREP permits them."""

    model_config = ConfigDict(extra="ignore", json_schema_extra={"additionalProperties": True})

    context: Annotated[EvaluationContext, BeforeValidator(_given)]

    @property
    def user_id(self) -> int:
        """Return the user of the context."""
        return self.context.targeting_key


class EvaluationProblem(Problem):
    """The flag cannot be evaluated."""

    status = 400
    error_code: ClassVar[str] = "GENERAL"


class RequestUnreadable(EvaluationProblem):
    """The request cannot be read."""

    error_code = "PARSE_ERROR"


class TargetingKeyMissing(EvaluationProblem):
    """The context has no targetingKey."""

    error_code = "TARGETING_KEY_MISSING"


class ContextInvalid(EvaluationProblem):
    """The targetingKey is not a user id."""

    error_code = "INVALID_CONTEXT"


class FlagUnknown(EvaluationProblem):
    """No segment has this slug."""

    status = 404
    error_code = "FLAG_NOT_FOUND"


class FlagsTooLarge(EvaluationProblem, AnswerTooLarge):
    """The flags are too many for one answer."""

    def __init__(self) -> None:
        super().__init__(f"An answer has at most {MAX_ANSWER_BYTES} bytes. Evaluate the flags one by one.")

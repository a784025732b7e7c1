"""OpenAPI descriptions of answers that are not exactly one model in JSON."""

from aws_lambda_powertools.event_handler.openapi.types import OpenAPIResponse, OpenAPIResponseHeader
from pydantic import BaseModel

from segmentation.contract.flags import Flag, Flags
from segmentation.contract.responses import (
    Done,
    DoneByJob,
    EventPage,
    Explanation,
    JobRef,
    OperationPage,
    SegmentChanged,
    SegmentChangedByJob,
    SegmentCreated,
    SegmentCreatedByJob,
    SegmentSize,
    Token,
    UserRef,
    UserSegments,
)

Answers = dict[int, OpenAPIResponse]


def _with_job(model: type[BaseModel]) -> Answers:
    """Describe an answer that names a job, with a link to the job."""
    return {
        202: {
            "description": (model.__doc__ or "").strip(),
            "content": {"application/json": {"model": model}},
            "links": {"progress": {"operationId": "show_job", "parameters": {"job_id": "$response.body#/job_id"}}},
        }
    }


def _now(status: int, model: type[BaseModel]) -> Answers:
    return {status: {"description": (model.__doc__ or "").strip(), "content": {"application/json": {"model": model}}}}


CREATED_NOW_OR_BY_JOB = _now(201, SegmentCreated) | _with_job(SegmentCreatedByJob)
CHANGED_NOW_OR_BY_JOB = _now(200, SegmentChanged) | _with_job(SegmentChangedByJob)
DONE_NOW_OR_BY_JOB = _now(200, Done) | _with_job(DoneByJob)
JOB_BEGUN = _with_job(JobRef)
EVENTS = _now(200, EventPage)
TOKEN = _now(200, Token)
SIZE = _now(200, SegmentSize)

_FRESH_HEADERS: dict[str, OpenAPIResponseHeader] = {
    "ETag": {"description": "A strong validator of the body.", "schema": {"type": "string"}},
    "Cache-Control": {
        "description": "private, and max-age: at most 30 s, and no longer than the first membership lasts.",
        "schema": {"type": "string"},
    },
    "Vary": {"description": "Authorization.", "schema": {"type": "string"}},
}

NEW_OR_KNOWN_USER: Answers = {
    200: {"description": "The user is known already.", "content": {"application/json": {"model": UserRef}}},
    201: {"description": "The user is new.", "content": {"application/json": {"model": UserRef}}},
}
JSON_OR_CSV: Answers = {
    200: {
        "description": "A page, in the media type that the Accept header prefers.",
        "headers": {
            "Link": {"description": "The next page of the CSV, if there is one.", "schema": {"type": "string"}}
        },
        "content": {"application/json": {"model": OperationPage}, "text/csv": {"schema": {"type": "string"}}},
    }
}
FRESH_SEGMENTS: Answers = {
    200: {
        "description": (UserSegments.__doc__ or "").strip(),
        "headers": _FRESH_HEADERS,
        "content": {"application/json": {"model": UserSegments}},
    },
    304: {"description": "The answer that If-None-Match names is current.", "headers": _FRESH_HEADERS, "content": {}},
}
EXPLAINED: Answers = {
    200: {
        "description": (Explanation.__doc__ or "").strip(),
        "content": {"application/json": {"model": Explanation}},
    },
    304: {"description": "The answer that If-None-Match names is current.", "content": {}},
}
_FLAGS_HEADERS: dict[str, OpenAPIResponseHeader] = {"ETag": _FRESH_HEADERS["ETag"]}
FLAG = _now(200, Flag)
FLAGS: Answers = {
    200: {
        "description": (Flags.__doc__ or "").strip(),
        "headers": _FLAGS_HEADERS,
        "content": {"application/json": {"model": Flags}},
    },
    304: {"description": "The answer that If-None-Match names is current.", "headers": _FLAGS_HEADERS, "content": {}},
}
REDIRECT: Answers = {
    302: {
        "description": "A redirect to the file.",
        "headers": {"Location": {"description": "The link.", "schema": {"type": "string", "format": "uri"}}},
        "content": {},
    }
}
PAGE: Answers = {200: {"description": "The page.", "content": {"text/html": {"schema": {"type": "string"}}}}}
METRICS: Answers = {200: {"description": "The metrics.", "content": {"text/plain": {"schema": {"type": "string"}}}}}
DOCUMENT: Answers = {
    200: {"description": "The document.", "content": {"application/json": {"schema": {"type": "object"}}}}
}

"""What the API's document says of answers that are more, or less, than one model in JSON."""

from aws_lambda_powertools.event_handler.openapi.types import OpenAPIResponse

from segmentation.responses import JobRef, OperationPage, Token, UserRef

Answers = dict[int, OpenAPIResponse]

NEW_OR_KNOWN_USER: Answers = {
    200: {"description": "It is known already.", "content": {"application/json": {"model": UserRef}}},
    201: {"description": "It is new.", "content": {"application/json": {"model": UserRef}}},
}
JSON_OR_CSV: Answers = {
    200: {
        "description": "A page, in the form that the Accept header prefers.",
        "headers": {"Link": {"description": "The next page of CSV, if there is one.", "schema": {"type": "string"}}},
        "content": {"application/json": {"model": OperationPage}, "text/csv": {"schema": {"type": "string"}}},
    }
}
JOB_BEGUN: Answers = {
    202: {
        "description": "The job waits for a worker.",
        "content": {"application/json": {"model": JobRef}},
        "links": {"progress": {"operationId": "show_job", "parameters": {"job_id": "$response.body#/job_id"}}},
    }
}
TOKEN: Answers = {200: {"description": "A token.", "content": {"application/json": {"model": Token}}}}
REDIRECT: Answers = {
    302: {
        "description": "On to the file.",
        "headers": {"Location": {"description": "The link.", "schema": {"type": "string", "format": "uri"}}},
        "content": {},
    }
}
PAGE: Answers = {200: {"description": "The page.", "content": {"text/html": {"schema": {"type": "string"}}}}}
DOCUMENT: Answers = {
    200: {"description": "The document.", "content": {"application/json": {"schema": {"type": "object"}}}}
}

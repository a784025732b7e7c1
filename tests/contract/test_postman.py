"""The story of the Postman collection calls every operation, and the committed collection follows it."""

import json

import pytest

from tools.openapi.__main__ import PATH
from tools.postman.collection import FOLDER, checks_of, identity, items_of, route_of
from tools.postman.story import STORY

OPERATIONS = {
    operation["operationId"]: (f"{method.upper()} {path}", operation)
    for path, methods in json.loads(PATH.read_text("utf-8"))["paths"].items()
    for method, operation in methods.items()
}
STEPS = [step for chapter in STORY.values() for step in chapter]
COLLECTION = json.loads((FOLDER / "segmentation.postman_collection.json").read_text("utf-8"))
REQUESTS = {item["id"]: item for item in items_of(COLLECTION)}
STALE = "the collection is older than its story: run `make openapi`, and commit what it writes"


@pytest.mark.parametrize("operation", sorted(OPERATIONS))
def test_the_story_calls_every_operation(operation):
    assert operation in {step.operation for step in STEPS}, (
        f'{operation} has no step in the story of the Postman collection: add Step("{operation}") to STORY in '
        "tools/postman/story.py, after the steps that make what it needs, and run `make openapi`"
    )


def test_every_step_of_the_story_is_an_operation():
    unknown = sorted({step.operation for step in STEPS} - OPERATIONS.keys())

    assert unknown == [], f"docs/openapi.json has no such operation: take {unknown} out of tools/postman/story.py"


def test_the_committed_collection_has_the_steps_of_the_story_in_order():
    assert list(REQUESTS) == [identity(f"{step.operation} {step.title}") for step in STEPS], STALE


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.title or step.operation)
def test_a_request_of_the_committed_collection_calls_and_checks_what_its_step_says(step):
    request = REQUESTS[identity(f"{step.operation} {step.title}")]
    route, operation = OPERATIONS[step.operation]

    [script] = (event["script"]["exec"] for event in request["event"] if event["listen"] == "test")

    assert route_of(request) == route, STALE
    assert "\n".join(script) == checks_of(step, operation), STALE

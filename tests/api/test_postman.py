"""The Postman collection is what the document says today, calls every operation, and runs."""

import json

from docs.generator import postman
from docs.generator.story import STORY
from local.settings import ROOT

COLLECTION = "docs/postman/segmentation.postman_collection.json"


def test_the_collection_and_its_environments_are_up_to_date():
    written = {path: path.read_text("utf-8") for path in postman.files()}

    assert written == postman.files(), "run `make openapi`, and commit what it writes"


def test_the_collection_calls_every_operation():
    paths = json.loads((ROOT / "docs" / "openapi.json").read_text("utf-8"))["paths"]
    operations = {operation["operationId"] for item in paths.values() for operation in item.values()}

    assert {step.operation for steps in STORY.values() for step in steps} == operations


def test_the_collection_runs_twice_against_the_local_run(run_tool, base_url):
    environment = ["-e", "docs/postman/local.postman_environment.json", "--env-var", f"baseUrl={base_url}"]

    answer = run_tool("newman", "run", COLLECTION, *environment, "--iteration-count", "2", "--bail", "failure")

    assert answer.returncode == 0, answer.stdout

"""The Postman collection is what the converter makes of today's document, and it runs."""

from tools.postman.collection import files

COLLECTION = "docs/postman/segmentation.postman_collection.json"


def test_the_collection_and_its_environments_are_up_to_date():
    made = files()

    assert {path: path.read_text("utf-8") for path in made} == made, "run `make openapi`, and commit what it writes"


def test_the_collection_runs_twice_against_the_local_run(run_tool, base_url):
    environment = ["-e", "docs/postman/local.postman_environment.json", "--env-var", f"baseUrl={base_url}"]

    answer = run_tool("newman", "run", COLLECTION, *environment, "--iteration-count", "2", "--bail", "failure")

    assert answer.returncode == 0, answer.stdout

"""The Postman collection: a converter makes the requests, the story orders them so that they run."""

import json
import re
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

from segmentation.api.idempotency import HEADER
from tools.omission import Omission
from tools.openapi.routes import ROOT
from tools.postman.story import STORY, Step

Json = dict[str, Any]

FOLDER = ROOT / "docs" / "postman"
CONVERTER = ROOT / ".local" / "node" / "node_modules" / "openapi-to-postmanv2" / "bin" / "openapi2postmanv2.js"
NODE = ROOT / ".local" / "api" / "bin" / "node"
OPTIONS = "folderStrategy=Tags,parametersResolution=Example,alwaysInheritAuthentication=true"
SHOWN_FAILURES = {404, 409, 422}
NAMES_OF_A_RUN = """\
const run = Date.now().toString(36);
pm.collectionVariables.set("slug", `POSTMAN_${run}`);
pm.collectionVariables.set("other_slug", `POSTMAN_OTHER_${run}`);
pm.collectionVariables.set("action", `postman-${run}`);
pm.collectionVariables.set("username", `postman-${run}`);"""
VARIABLES = {
    "slug": "AVITO_DISCOUNT_30",
    "other_slug": "AVITO_DISCOUNT_50",
    "action": "exposure",
    "username": "mira",
    "account_token": "",
    "import_id": "",
    "upload_link": "",
    "job_id": "",
    "file_name": "",
}
ENVIRONMENTS = {"local": "http://localhost:8080", "aws": "https://API_ID.execute-api.REGION.amazonaws.com"}


class OperationUnknown(Omission):
    """The document has no operation {name}: correct the step in tools/postman/story.py, or run `make openapi`."""


def files() -> dict[Path, str]:
    """Return the text of each file by its path."""
    document = json.loads((ROOT / "docs" / "openapi.json").read_text("utf-8"))
    contents = {"segmentation.postman_collection": collection(document, converted())}
    for name, url in ENVIRONMENTS.items():
        contents[f"{name}.postman_environment"] = environment(name, url)
    return {
        FOLDER / f"{name}.json": json.dumps(content, indent=2, ensure_ascii=False) + "\n"
        for name, content in contents.items()
    }


def converted() -> Json:
    """Run the converter on the document."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "collection.json"
        command: list[str | Path] = [
            NODE,
            CONVERTER,
            "--spec",
            ROOT / "docs" / "openapi.json",
            "--output",
            path,
            "--options",
            OPTIONS,
        ]
        subprocess.run(command, check=True, capture_output=True)  # noqa: S603 -- a pinned tool
        made: Json = json.loads(path.read_text("utf-8"))
        return made


def collection(document: Json, made: Json) -> Json:
    """Put the converter's requests into the order of the story, with the variables and checks of each step."""
    requests = {route_of(item): item for item in items_of(made)}
    operations = {
        operation["operationId"]: (f"{method.upper()} {path}", operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }
    chapters: list[Json] = [
        {"name": name, "item": [request(step, requests, *of_step(step, operations)) for step in steps]}
        for name, steps in STORY.items()
    ]
    chapters[0]["item"][0]["event"].append(script("prerequest", NAMES_OF_A_RUN))
    return {
        "info": {**made["info"], "_postman_id": identity("collection")},
        "item": chapters,
        "auth": bearer("token"),
        "variable": [{"key": name, "value": value} for name, value in VARIABLES.items()],
    }


def of_step(step: Step, operations: dict[str, tuple[str, Json]]) -> tuple[str, Json]:
    """Return the route and the operation of a step."""
    if step.operation not in operations:
        raise OperationUnknown(name=step.operation)
    return operations[step.operation]


def request(step: Step, requests: dict[str, Json], route: str, operation: Json) -> Json:
    """Make the request of one step from the converter's request for its route."""
    item = deepcopy(requests[route])
    asked = item["request"]
    asked.pop("name")
    item["name"] = asked["name"] = step.title or operation["summary"]
    for variable in asked["url"].get("variable", ()):
        variable["value"] = step.path.get(variable["key"], variable["value"])
    asked["url"]["query"] = [each for each in asked["url"]["query"] if each["key"] != "cursor"]
    asked["header"] = [each for each in asked["header"] if each["key"] != HEADER]  # a repeated run must write again
    if step.token:
        asked["auth"] = bearer(step.token)
    if step.body:
        asked["body"]["raw"] = json.dumps({**json.loads(asked["body"]["raw"]), **step.body}, indent=2)
    item["response"] = [stable(answer) for answer in item["response"] if is_shown(answer)]
    before = [script("prerequest", step.before)] if step.before else []
    item["event"] = [*before, script("test", checks_of(step, operation))]
    item["protocolProfileBehavior"] = {"disableBodyPruning": True, "followRedirects": False}
    item["id"] = identity(f"{step.operation} {step.title}")
    return item


def bearer(variable: str) -> Json:
    """Return the authorization by the token in a variable."""
    return {"type": "bearer", "bearer": [{"key": "token", "value": f"{{{{{variable}}}}}", "type": "string"}]}


def checks_of(step: Step, operation: Json) -> str:
    """Write the script that checks an answer and keeps values of it."""
    expected = [int(status) for status in operation["responses"] if status < "400"]
    lines = [f'pm.test("{step.operation} succeeds", () => pm.expect(pm.response.code).to.be.oneOf({expected}));']
    lines += [f'pm.collectionVariables.set("{name}", {value});' for name, value in step.keeps.items()]
    return "\n".join(lines)


def script(listen: str, text: str) -> Json:
    """Return an event that runs a script."""
    return {"listen": listen, "script": {"type": "text/javascript", "exec": text.splitlines()}}


def stable(answer: Json) -> Json:
    """Drop from an example the random parts and the request that it repeats."""
    headers = [header for header in answer["header"] if header["key"] == "Content-Type"]
    name = f"{answer['name']} {answer['code']}"
    return {**answer, "id": identity(name), "originalRequest": {}, "header": headers}


def is_shown(answer: Json) -> bool:
    """Return whether the collection shows an answer. Failures that every route has are left out."""
    return answer["code"] < 400 or answer["code"] in SHOWN_FAILURES


def items_of(folder: Json) -> Iterator[Json]:
    """Yield the requests of a folder and of the folders in it."""
    for item in folder["item"]:
        if "item" in item:
            yield from items_of(item)
        else:
            yield item


def route_of(item: Json) -> str:
    """Return the route of a request, written as in the document."""
    path = "/".join(re.sub(r"^:(.*)$", r"{\1}", part) for part in item["request"]["url"]["path"])
    return f"{item['request']['method']} /{path}"


def environment(name: str, url: str) -> Json:
    """Return the variables for one address of the service."""
    values = [
        {"key": "baseUrl", "value": url, "type": "default", "enabled": True},
        {"key": "token", "value": "", "type": "secret", "enabled": True},
    ]
    return {"id": identity(name), "name": f"segmentation, {name}", "values": values}


def identity(name: str) -> str:
    """Return an id that depends on the name alone."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"urn:segmentation:postman:{name}"))

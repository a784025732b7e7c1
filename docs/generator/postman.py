"""The Postman collection: what a converter makes of the document, put into an order in which it runs."""

import json
import re
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

from docs.generator.routes import ROOT
from docs.generator.story import STORY, Step
from segmentation.api.idempotency import HEADER

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
    "job_id": "",
    "file_name": "",
}
ENVIRONMENTS = {"local": "http://localhost:8080", "aws": "https://API_ID.execute-api.REGION.amazonaws.com"}


def files() -> dict[Path, str]:
    """Return the text of each file, by its path."""
    document = json.loads((ROOT / "docs" / "openapi.json").read_text("utf-8"))
    contents = {"segmentation.postman_collection": collection(document, converted())}
    for name, url in ENVIRONMENTS.items():
        contents[f"{name}.postman_environment"] = environment(name, url)
    return {
        FOLDER / f"{name}.json": json.dumps(content, indent=2, ensure_ascii=False) + "\n"
        for name, content in contents.items()
    }


def converted() -> Json:
    """Return what the converter makes of the document."""
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
        subprocess.run(command, check=True, capture_output=True)  # noqa: S603 -- our own pinned tool
        made: Json = json.loads(path.read_text("utf-8"))
        return made


def collection(document: Json, made: Json) -> Json:
    """Order the converter's requests as the story does, with the variables and tests of each."""
    requests = {route_of(item): item for item in items_of(made)}
    operations = {
        operation["operationId"]: (f"{method.upper()} {path}", operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }
    chapters: list[Json] = [
        {"name": name, "item": [request(step, requests, *operations[step.operation]) for step in steps]}
        for name, steps in STORY.items()
    ]
    chapters[0]["item"][0]["event"].append(script("prerequest", NAMES_OF_A_RUN))
    return {
        "info": {**made["info"], "_postman_id": identity("collection")},
        "item": chapters,
        "auth": {"type": "bearer", "bearer": [{"key": "token", "value": "{{token}}", "type": "string"}]},
        "variable": [{"key": name, "value": value} for name, value in VARIABLES.items()],
    }


def request(step: Step, requests: dict[str, Json], route: str, operation: Json) -> Json:
    """Make a request of the collection from the converter's, for one step of the story."""
    item = deepcopy(requests[route])
    asked = item["request"]
    asked.pop("name")
    item["name"] = asked["name"] = step.title or operation["summary"]
    for variable in asked["url"].get("variable", ()):
        variable["value"] = step.path.get(variable["key"], variable["value"])
    asked["url"]["query"] = [each for each in asked["url"]["query"] if each["key"] != "cursor"]
    asked["header"] = [each for each in asked["header"] if each["key"] != HEADER]  # a run is to do it all anew
    if step.body:
        asked["body"]["raw"] = json.dumps({**json.loads(asked["body"]["raw"]), **step.body}, indent=2)
    item["response"] = [stable(answer) for answer in item["response"] if is_shown(answer)]
    item["event"] = [script("test", tests(step, operation))]
    item["protocolProfileBehavior"] = {"disableBodyPruning": True, "followRedirects": False}
    item["id"] = identity(f"{step.operation} {step.title}")
    return item


def tests(step: Step, operation: Json) -> str:
    """Write what an answer must be, and what is kept of it."""
    expected = [int(status) for status in operation["responses"] if status < "400"]
    lines = [f'pm.test("{step.operation} succeeds", () => pm.expect(pm.response.code).to.be.oneOf({expected}));']
    lines += [f'pm.collectionVariables.set("{name}", {value});' for name, value in step.keeps.items()]
    return "\n".join(lines)


def script(listen: str, text: str) -> Json:
    """Return an event that runs a script."""
    return {"listen": listen, "script": {"type": "text/javascript", "exec": text.splitlines()}}


def stable(answer: Json) -> Json:
    """Leave out of an example what the converter makes up, and the request that it repeats."""
    headers = [header for header in answer["header"] if header["key"] == "Content-Type"]
    name = f"{answer['name']} {answer['code']}"
    return {**answer, "id": identity(name), "originalRequest": {}, "header": headers}


def is_shown(answer: Json) -> bool:
    """Tell whether an answer says something about its route."""
    return answer["code"] < 400 or answer["code"] in SHOWN_FAILURES


def items_of(folder: Json) -> Iterator[Json]:
    """Go through the requests of a folder and of those in it."""
    for item in folder["item"]:
        if "item" in item:
            yield from items_of(item)
        else:
            yield item


def route_of(item: Json) -> str:
    """Return the route of a request, as the document writes it."""
    path = "/".join(re.sub(r"^:(.*)$", r"{\1}", part) for part in item["request"]["url"]["path"])
    return f"{item['request']['method']} /{path}"


def environment(name: str, url: str) -> Json:
    """Return the variables of one place where the service runs."""
    values = [
        {"key": "baseUrl", "value": url, "type": "default", "enabled": True},
        {"key": "token", "value": "", "type": "secret", "enabled": True},
    ]
    return {"id": identity(name), "name": f"segmentation, {name}", "values": values}


def identity(name: str) -> str:
    """Return the same id for the same name."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"urn:segmentation:postman:{name}"))


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for path, text in files().items():
        path.write_text(text, "utf-8")

"""The routes of template.yaml, for tests that cover all routes."""

import re
from dataclasses import dataclass, replace

from local import template
from local.settings import ROOT


@dataclass(frozen=True)
class Route:
    """The folder of a function, with its method and path."""

    function: str
    method: str
    path: str

    @property
    def placeholders(self) -> int:
        return self.path.count("{")

    def filled(self, text: str) -> str:
        """Return the path with the text in place of each placeholder."""
        return re.sub(r"\{\w+\}", lambda _: text, self.path)

    @property
    def unknown(self) -> str:
        """A valid path to a resource that does not exist."""
        return replace(self, path=self.path.replace("{user_id}", "77")).filled("NOT_THERE")


def name_of(route: Route) -> str:
    return f"{route.method} {route.path}"


ROUTES = [
    Route(function["CodeUri"].strip("/").rpartition("/")[2], event["Properties"]["Method"], event["Properties"]["Path"])
    for function in template.of_type(ROOT / "template.yaml", "AWS::Serverless::Function").values()
    for event in function.get("Events", {}).values()
    if event["Type"] == "HttpApi" and "Path" in event["Properties"]
]
IN_README = [route for route in ROUTES if route.method != "HEAD" and route.path not in {"/", "/swagger/index.html"}]
"""The routes without those that follow from another: HEAD, and the redirects to /docs."""

"""Write docs/openapi.json: the first half of `make openapi`."""

import json

from tools.openapi import document
from tools.openapi.routes import ROOT

PATH = ROOT / "docs" / "openapi.json"


def text() -> str:
    """Return the text of the file."""
    return json.dumps(document.build(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    PATH.write_text(text(), "utf-8")

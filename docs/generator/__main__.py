"""`make openapi`: write the document."""

import json

from docs.generator import document
from docs.generator.routes import ROOT

PATH = ROOT / "docs" / "openapi.json"


def text() -> str:
    """Return the document as it is written."""
    return json.dumps(document.build(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    PATH.write_text(text(), "utf-8")

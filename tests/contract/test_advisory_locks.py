"""Each key of an advisory lock has one purpose, which the data model names."""

import re

from local.settings import ROOT

LAYER = ROOT / "layers" / "segmentation" / "segmentation"
LOCK = re.compile(r"advisory_(?!unlock)\w+\((\d+), (\d+|\w|%)")
ROW = re.compile(r"^\| `(\d+), (\w+)` \|.*\| (`.*`) \|$", re.MULTILINE)


def key(number: str, second: str) -> tuple[str, str]:
    return number, second if second.isdigit() else "of a row"


def test_the_data_model_lists_every_key_and_the_places_that_lock_it():
    locked = {
        (*key(*found), path.stem)
        for path in [*LAYER.rglob("*.py"), *LAYER.rglob("*.sql")]
        for found in LOCK.findall(path.read_text("utf-8"))
    }

    page = (ROOT / "docs" / "data-model.md").read_text("utf-8")
    listed = {
        (*key(number, second), place)
        for number, second, places in ROW.findall(page)
        for place in re.findall(r"`(\w+)`", places)
    }

    assert listed == locked
    assert len({row[:2] for row in listed}) == 11

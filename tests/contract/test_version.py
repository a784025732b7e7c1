"""Every place that names the version or the license names the same."""

import json
import re
import tomllib

import pytest

from local.settings import ROOT
from segmentation.contract.version import VERSION
from tools.openapi import document

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
INFO = json.loads((ROOT / "docs" / "openapi.json").read_text("utf-8"))["info"]
CHANGELOG = (ROOT / "CHANGELOG.md").read_text("utf-8")
LICENSE = (ROOT / "LICENSE").read_text("utf-8")
WHERE_IT_IS_CHANGED = "the version is changed in layers/segmentation/segmentation/contract/version.py"


def test_the_version_is_a_semantic_one():
    assert re.fullmatch(r"\d+\.\d+\.\d+", VERSION)


def test_pyproject_names_the_version():
    assert PROJECT["version"] == VERSION, f"{WHERE_IT_IS_CHANGED}; write the same number into pyproject.toml"


def test_the_document_names_the_version():
    assert INFO["version"] == VERSION, f"{WHERE_IT_IS_CHANGED}; then run `make openapi`"


def test_the_newest_release_of_the_changelog_is_the_version():
    released = re.findall(r"^## \[(\d[^\]]*)\] - \d{4}-\d{2}-\d{2}$", CHANGELOG, re.MULTILINE)

    assert released[0] == VERSION, f"{WHERE_IT_IS_CHANGED}; add a section to CHANGELOG.md"


@pytest.mark.parametrize("page", sorted((ROOT / "docs").rglob("*.md")), ids=lambda page: page.name)
def test_a_page_that_shows_the_answer_of_health_shows_the_version(page):
    shown = re.findall(r'"schema_version":\d+,"version":"([^"]+)"', page.read_text("utf-8"))

    assert {*shown} <= {VERSION}, f"{page.name} shows another version; {WHERE_IT_IS_CHANGED}"


def test_the_license_is_the_one_that_pyproject_and_the_document_name():
    assert LICENSE.split()[:5] == ["Apache", "License", "Version", "2.0,", "January"]
    assert PROJECT["license"] == "Apache-2.0"
    assert INFO["license"] == document.LICENSE
    assert document.LICENSE["url"] == "https://www.apache.org/licenses/LICENSE-2.0"

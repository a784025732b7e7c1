"""No link is broken. The README leads to every page and names every package of the layer."""

import re

import pytest

from local.settings import ROOT

README = ROOT / "README.md"
LINK = re.compile(r"\]\(([^)\s]+)\)")
FENCE = re.compile(r"```.*?```", re.DOTALL)
SKIPPED = {".local", ".git", ".aws-sam", ".hypothesis", ".pytest_cache"}
PAGES = sorted(
    page for page in ROOT.rglob("*.md") if not SKIPPED.intersection(part for part in page.relative_to(ROOT).parts)
)


def links_of(page):
    found = LINK.findall(FENCE.sub("", page.read_text()))
    return [link for link in found if not re.match(r"[a-z]+:", link)]


def headings_of(page):
    """The anchors of a page, as GitHub makes them."""
    lines = FENCE.sub("", page.read_text()).splitlines()
    titles = [line.lstrip("#").strip().lower() for line in lines if line.startswith("#")]
    return {re.sub(r"[^\w\- ]", "", title).replace(" ", "-") for title in titles}


def leads_somewhere(page, link):
    path, _, anchor = link.partition("#")
    target = (page.parent / path).resolve() if path else page
    return target.exists() and (not anchor or anchor in headings_of(target))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_no_link_is_broken(page):
    assert [link for link in links_of(page) if not leads_somewhere(page, link)] == []


def test_the_readme_leads_to_every_page_or_its_folder():
    linked = {(ROOT / link.partition("#")[0]).resolve() for link in links_of(README)}

    missing = [page for page in PAGES if page != README and not linked.intersection({page, page.parent})]

    assert missing == []


def test_the_readme_has_a_line_for_every_package_of_the_layer_and_one_for_the_rest():
    folder = "layers/segmentation/segmentation"
    packages = {package.parent.name for package in (ROOT / folder).glob("*/__init__.py")}

    [table] = re.findall(rf"^\| package of `{folder}/` \|.*\n\|-.*\n((?:\|.*\n)*)", README.read_text(), re.MULTILINE)

    *named, rest = re.findall(r"^\| `?(\w+)(?:/`)? \|", table, re.MULTILINE)
    assert packages - set(named) == set()
    assert rest == "elsewhere"


@pytest.mark.parametrize("link", ["docs/nothing.md", "docs/operations.md#nothing", "#nothing"])
def test_a_broken_link_is_noticed(link):
    assert not leads_somewhere(README, link)


def test_links_and_anchors_are_found(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# A `b` c, d: (e)\n[one](#a-b-c-d-e) [two](https://example.com)\n```\n[three](x.md)\n```\n")

    assert links_of(page) == ["#a-b-c-d-e"]
    assert leads_somewhere(page, "#a-b-c-d-e")

"""docs/data-model.md shows every table, column and foreign key of the schema."""

import re

import pytest

from tools import er_diagram

PAGE = er_diagram.PAGE.read_text("utf-8")


def test_the_page_draws_the_schema(owner):
    schema = er_diagram.diagram(owner)

    missing = "\n".join(line for line in schema.splitlines() if line not in er_diagram.drawn(PAGE).splitlines())
    assert er_diagram.drawn(PAGE) == schema, (
        f"docs/data-model.md does not show the schema. Run `make diagram`. The page lacks:\n{missing}"
    )


def test_the_page_describes_each_table(owner):
    tables = re.findall(r"^    (\w+) \{$", er_diagram.diagram(owner), re.MULTILINE)

    described = re.findall(r"^- `(\w+)`: ", PAGE, re.MULTILINE)

    assert described == tables, "Describe each table, in order of name, under 'Tables' in docs/data-model.md."


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ("create table visits (visit_id bigint primary key)", "        bigint visit_id PK"),
        ("alter table users add column email text", '        text email "null"'),
        ("alter table users add column seen_at timestamptz not null", "        timestamptz seen_at"),
        ("alter table rollouts add foreign key (job_id) references jobs", '    jobs |o--o{ rollouts : "job_id"'),
    ],
)
def test_a_change_of_the_schema_changes_the_diagram(owner, change, line):
    with owner.transaction(force_rollback=True):
        owner.execute(change)

        assert line in set(er_diagram.diagram(owner).splitlines()) - set(er_diagram.drawn(PAGE).splitlines())


def test_a_redrawn_page_keeps_its_words():
    page = "before\n```mermaid\nerDiagram\n    old {\n    }\n```\nafter\n"

    assert er_diagram.redraw(page, "erDiagram\n    new {\n    }\n") == page.replace("old", "new")

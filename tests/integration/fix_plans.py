"""The plans of the statements that a connection executes."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import psycopg
import pytest
from psycopg import Connection, sql

EXPLAINED = ("select", "with", "delete", "update")
Plan = dict[str, Any]


@dataclass
class Plans:
    """The statements of a connection since the last reset, each with its plan."""

    found: list[tuple[str, Plan]] = field(default_factory=list)

    def of(self, table: str) -> list[Plan]:
        """The plans of the statements that read a table."""
        return [plan for _, plan in self.found if scans(plan, table)]


def nodes(plan: Plan) -> Iterator[Plan]:
    """The node and all below it."""
    yield plan
    for child in plan.get("Plans", []):
        yield from nodes(child)


def unbounded_sorts(plan: Plan) -> list[str]:
    """The tables whose rows a plan sorts without a limit below the sort."""
    return [
        table
        for node in nodes(plan)
        if node["Node Type"] == "Sort"
        for child in node["Plans"]
        for table in _read(child)
    ]


def _read(plan: Plan) -> Iterator[str]:
    """The tables that a node reads without a limit between them."""
    if plan["Node Type"] == "Limit":
        return
    if "Relation Name" in plan:
        yield plan["Relation Name"]
    for child in plan.get("Plans", []):
        if child.get("Parent Relationship") not in ("InitPlan", "SubPlan"):
            yield from _read(child)


def scans(plan: Plan, table: str) -> set[str]:
    """The ways in which a plan reads a table and its partitions."""
    read = [node for node in nodes(plan) if node["Node Type"] != "ModifyTable"]
    return {node["Node Type"] for node in read if re.fullmatch(rf"{table}(_\d+_\d+)?", node.get("Relation Name", ""))}


@pytest.fixture
def plans(connection: Connection) -> Plans:
    """Explain each statement of the connection before it is executed."""
    collected = Plans()

    class ExplainingCursor(psycopg.Cursor[Any]):
        def execute(self, query: Any, params: Any = None, **options: Any) -> Any:
            self._explain(query, params)
            return super().execute(query, params, **options)

        def stream(self, query: Any, params: Any = None, **options: Any) -> Any:
            self._explain(query, params)
            return super().stream(query, params, **options)

        def _explain(self, query: Any, params: Any) -> None:
            text = query if isinstance(query, str) else query.as_string(connection)
            if text.strip().lower().startswith(EXPLAINED):
                with psycopg.Cursor(connection) as cursor:
                    explain = sql.SQL("explain (format json) ") + sql.SQL(text)
                    [(found,)] = cursor.execute(explain, params, prepare=False).fetchall()
                collected.found.append((text, found[0]["Plan"]))

    connection.cursor_factory = ExplainingCursor
    return collected


@pytest.fixture
def touched(connection: Connection) -> Callable[[str], int]:
    """The rows of a table that this transaction has fetched so far."""

    def count(table: str) -> int:
        [(rows,)] = connection.execute(
            """
            select coalesce(sum(seq_tup_read + idx_tup_fetch), 0)::integer
              from pg_stat_xact_user_tables
             where starts_with(relname, %s)
            """,
            (table,),
        ).fetchall()
        return int(rows)

    return count

"""`make diagram`: draw the tables of the migrated schema in docs/data-model.md."""

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import groupby

import psycopg
from psycopg import Connection

from local import database, postgres
from local.passwords import Passwords
from local.settings import ROOT
from segmentation.database import migrate

PAGE = ROOT / "docs" / "data-model.md"
BLOCK = re.compile(r"(?<=```mermaid\n)erDiagram\n.*?(?=```)", re.DOTALL)

COLUMNS = """
select pg_class.relname,
       -- Mermaid allows no blank in a type
       replace(format_type(pg_attribute.atttypid, null), 'timestamp with time zone', 'timestamptz'),
       pg_attribute.attname,
       array_to_string(array(select distinct upper(pg_constraint.contype::text) || 'K'
                               from pg_constraint
                              where pg_constraint.conrelid = pg_class.oid
                                and pg_constraint.contype in ('p', 'f', 'u')
                                and pg_attribute.attnum = any (pg_constraint.conkey)
                              order by 1 desc), ', '),
       case when pg_attribute.attnotnull then '' else '"null"' end
  from pg_class
  join pg_attribute on pg_attribute.attrelid = pg_class.oid
 where pg_class.relnamespace = 'public'::regnamespace
   and pg_class.relkind in ('r', 'p')
   and not pg_class.relispartition
   and pg_attribute.attnum > 0
   and not pg_attribute.attisdropped
 order by pg_class.relname, pg_attribute.attnum
"""

FOREIGN_KEYS = """
select parent.relname,
       case when bool_and(pg_attribute.attnotnull) then '||' else '|o' end,
       case when exists (select
                           from pg_constraint key
                          where key.conrelid = foreign_key.conrelid
                            and key.contype in ('p', 'u')
                            and key.conkey <@ foreign_key.conkey) then 'o|' else 'o{' end,
       child.relname,
       string_agg(pg_attribute.attname, ', ' order by pg_attribute.attnum)
  from pg_constraint foreign_key
  join pg_class parent on parent.oid = foreign_key.confrelid
  join pg_class child on child.oid = foreign_key.conrelid
  join pg_attribute on pg_attribute.attrelid = child.oid and pg_attribute.attnum = any (foreign_key.conkey)
 where foreign_key.contype = 'f'
   and foreign_key.conparentid = 0
   and child.relnamespace = 'public'::regnamespace
 group by foreign_key.oid, foreign_key.conrelid, foreign_key.conkey, parent.relname, child.relname
 order by parent.relname, child.relname, 5
"""


def diagram(connection: Connection) -> str:
    """Return the tables of a database, their columns and their foreign keys, in Mermaid's syntax."""
    return "\n".join(["erDiagram", *_tables(connection), *_foreign_keys(connection), ""])


def _tables(connection: Connection) -> Iterator[str]:
    for table, columns in groupby(connection.execute(COLUMNS).fetchall(), key=lambda column: str(column[0])):
        yield f"    {table} {{"
        yield from (" " * 8 + " ".join(filter(None, column)) for _, *column in columns)
        yield "    }"


def _foreign_keys(connection: Connection) -> Iterator[str]:
    for parent, least, most, child, columns in connection.execute(FOREIGN_KEYS).fetchall():
        yield f'    {parent} {least}--{most} {child} : "{columns}"'


def drawn(page: str) -> str:
    """Return the diagram that a page shows."""
    [found] = BLOCK.findall(page)
    return str(found)


def redraw(page: str, diagram: str) -> str:
    """Return a page with another diagram."""
    return BLOCK.sub(lambda _: diagram, page)


@contextmanager
def migrated_database() -> Iterator[Connection]:
    """Connect to a temporary database that has all migrations."""
    passwords = Passwords(*(secrets.token_urlsafe() for _ in range(3)))
    with postgres.server() as server:
        database.prepare(server, passwords.owner)
        urls = database.urls(server.port, passwords)
        with psycopg.connect(urls.owner_url, autocommit=True) as owner:
            migrate.migrate(owner, urls.url)
            yield owner


if __name__ == "__main__":
    with migrated_database() as owner:
        PAGE.write_text(redraw(PAGE.read_text("utf-8"), diagram(owner)), "utf-8")

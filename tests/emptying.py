"""Empty a database as fast as it can be: before each of some thousand tests, of which most write to few tables."""

from typing import Any

KEEP = ("schema_migrations", "schema_objects", "population", "actions")
"""What the migrations have written."""

# A truncated table gets new files, and so does each of its indexes: the months of the history alone take longer than
# most tests. What was never written to has no pages; "cascade" is for such a table that refers to one with pages.
# A service that runs beside the test, its schedule for one, reads the same tables in an order of its own: sooner than
# Postgres looks for a deadlock, which would hit either, the emptying lets go of all of them and begins again.
EMPTY = """
do $$
declare
    v_written constant text := (
        select string_agg(pg_class.oid::regclass::text, ', ')
          from pg_class
         where pg_class.relnamespace = 'public'::regnamespace and pg_class.relkind = 'r'
           and pg_class.relname <> all ('{%s}') and pg_relation_size(pg_class.oid) > 0);
begin
    if v_written is null then
        return;
    end if;
    set local lock_timeout = '200ms';
    for v_try in 1 .. 100 loop
        begin
            execute format('truncate %%s cascade', v_written);
            return;
        exception when lock_not_available then
            if v_try = 100 then
                raise;
            end if;
        end;
        perform pg_sleep(0.05);
    end loop;
end
$$
"""
NUMBER_FROM_ONE = """
select setval(seqrelid, seqstart, false) from pg_sequence where not seqrelid::regclass::text like any ('{%s}')
"""


def empty(connection: Any, *, keep: tuple[str, ...] = ()) -> None:
    """Remove, as the owner of the schema, every row that tests have written, and number from one again."""
    kept = (*KEEP, *keep)
    connection.execute(EMPTY % ", ".join(kept))
    connection.execute(NUMBER_FROM_ONE % ", ".join(f"{table}_%" for table in (*kept, "operations")))
    connection.execute("delete from actions where operation = 'A'")

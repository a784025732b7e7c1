"""Empty the database before each test. Thousands of tests need this to be fast, and most write to few tables."""

from typing import Any

KEEP = ("schema_migrations", "schema_objects", "population", "actions")
"""Tables with rows from the migrations."""

# TRUNCATE creates new files for a table and each of its indexes. For all months of the history, this takes longer than
# most tests. A table without writes has no pages and needs no TRUNCATE. "cascade" covers such a table that references
# a table with pages.
# A service that runs beside the test, such as its schedule, locks the same tables in another order. The lock timeout is
# shorter than Postgres's deadlock_timeout, so that TRUNCATE gives way and is retried before either side has a deadlock.
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
    """Delete all rows of tests as the owner of the schema, and restart the sequences."""
    kept = (*KEEP, *keep)
    connection.execute(EMPTY % ", ".join(kept))
    connection.execute(NUMBER_FROM_ONE % ", ".join(f"{table}_%" for table in (*kept, "operations")))
    connection.execute("delete from actions where operation = 'A'")

"""The usual design of such a service: several statements per request, and a row trigger."""

from collections.abc import Callable

from psycopg import Connection

ROW_TRIGGERS = """
    create function naive_history() returns trigger language plpgsql security definer as $$
    declare
        v_row memberships := case tg_op when 'INSERT' then new else old end;
    begin
        insert into history (user_id, segment_id, slug, action_id, reason, actor, expires_at, executed_at)
        select v_row.user_id, v_row.segment_id, segments.slug, case tg_op when 'INSERT' then 1 else 2 end, 'manual',
               session_user, v_row.expires_at, clock_timestamp()
          from segments where segments.segment_id = v_row.segment_id;
        return null;
    end
    $$;
    alter table memberships disable trigger user;
    create trigger naive_entries after insert or delete on memberships
        for each row execute function naive_history();
    """
"""Replaces the triggers of the schema, which fire once per statement."""

NO_TRIGGERS = "alter table memberships disable trigger user"


def change(connection: Connection) -> Callable[[int, list[str], list[str]], None]:
    """Return a function that changes a user's memberships in five statements: six round trips with the commit."""

    def run(user_id: int, add: list[str], delete: list[str]) -> None:
        with connection.transaction():
            connection.execute("insert into users (user_id) values (%s) on conflict do nothing", (user_id,))
            find = "select array_agg(segment_id) from segments where slug = any (%s) and deleted_at is null"
            [(added,)] = connection.execute(find, (add,)).fetchall()
            [(deleted,)] = connection.execute(find, (delete,)).fetchall()
            connection.execute(
                """
                insert into memberships (user_id, segment_id, added_at)
                select %s, unnest(%s::integer[]), now() on conflict do nothing
                """,
                (user_id, added),
            )
            connection.execute(
                "delete from memberships where user_id = %s and segment_id = any (%s)", (user_id, deleted)
            )

    return run


PGBENCH = """
    begin;
    insert into users (user_id) values (:user) on conflict do nothing;
    select array_agg(segment_id)::text as added from segments
     where slug in ('SEGMENT_' || :a, 'SEGMENT_' || :b, 'SEGMENT_' || :c) and deleted_at is null \\gset
    select array_agg(segment_id)::text as deleted from segments
     where slug in ('SEGMENT_' || :d, 'SEGMENT_' || :e) and deleted_at is null \\gset
    insert into memberships (user_id, segment_id, added_at)
    select :user, unnest((:added)::integer[]), now() on conflict do nothing;
    delete from memberships where user_id = :user and segment_id = any ((:deleted)::integer[]);
    commit;
    """
"""The same for many concurrent writers."""

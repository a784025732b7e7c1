-- Lock users in the order of their ids. Insert those who are unknown, in the same order, in one statement.
-- The insertion comes first, so two sessions never wait for each other. A user who is deleted between the two
-- statements is inserted again.
-- A new user is not enrolled by a percent in the segment, because the request decides about it.
-- The insertion is left out if all users are known: it would make a percent that is being set wait.
-- "offset 0" makes Postgres look up each user by itself, as in change_user_segments.
create or replace function lock_named_users(p_segment_id integer, p_users bigint[]) returns void
language plpgsql
    set plan_cache_mode = force_generic_plan
    set enable_seqscan = off
    set jit = off
as $$
declare
    v_unknown bigint[];
    v_locked bigint;
begin
    loop
        v_unknown := array(
            select named.user_id
              from unnest(p_users) named (user_id)
             where not exists (select from users where users.user_id = named.user_id offset 0)
             order by named.user_id);
        if v_unknown <> '{}' then
            perform set_config('segmentation.by_hand', array[p_segment_id]::text, true);
            insert into users (user_id) select unnest(v_unknown) on conflict do nothing;
            perform set_config('segmentation.by_hand', '', true);
        end if;
        perform from users where users.user_id = any (p_users) order by users.user_id for no key update;
        get diagnostics v_locked = row_count;
        exit when v_locked = cardinality(p_users);
    end loop;
end
$$;

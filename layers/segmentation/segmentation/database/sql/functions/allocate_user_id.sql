-- Return an id that has neither a user nor a history. It is below 2^53, because JavaScript rounds greater numbers.
-- The step doubles over ids in use. A million ids that callers chose themselves then cost few probes, not a million.
-- The step has a bound. Without it, each id of a caller could double the sequence, and 63 of them would exhaust it.
-- Past the last id the sequence begins again, because earlier versions had no bound and could leave it anywhere.
create or replace function allocate_user_id() returns bigint
language plpgsql
as $$
declare
    c_last_id constant bigint := 2::bigint ^ 53 - 1;
    c_longest_step constant bigint := 65536;
    v_candidate bigint := c_last_id + 1;
    v_step bigint := 1;
begin
    if (select last_value from user_ids) < c_last_id then
        v_candidate := nextval('user_ids');
    end if;
    loop
        if v_candidate > c_last_id then
            v_candidate := setval('user_ids', 1);
            v_step := 1;
        end if;
        exit when not exists (select from users where users.user_id = v_candidate)
              and not exists (select from history where history.user_id = v_candidate);
        v_candidate := setval('user_ids', greatest(v_candidate + v_step, (select last_value from user_ids)));
        v_step := least(v_step * 2, c_longest_step);
    end loop;
    return v_candidate;
end
$$;

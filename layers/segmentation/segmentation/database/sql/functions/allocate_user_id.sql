-- Return an id that has neither a user nor a history.
-- The step doubles over ids in use. A million ids that callers chose themselves then cost twenty probes, not a million.
create or replace function allocate_user_id() returns bigint
language plpgsql
as $$
declare
    v_candidate bigint := nextval('user_ids');
    v_stride bigint := 1;
begin
    while exists (select from users where users.user_id = v_candidate)
       or exists (select from history where history.user_id = v_candidate)
    loop
        v_candidate := setval('user_ids', greatest(v_candidate + v_stride, (select last_value from user_ids)));
        v_stride := v_stride * 2;
    end loop;
    return v_candidate;
end
$$;

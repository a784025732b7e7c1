-- Create a user with the given id, or with a free one without it. Return the id and whether the user is new.
-- A trigger decides in the same transaction which percent segments enrol a new user.
create or replace function create_user(p_user_id bigint, p_actor text, out user_id bigint, out is_new boolean)
language plpgsql
as $$
begin
    perform set_config('segmentation.actor', p_actor, true);
    loop
        user_id := coalesce(p_user_id, allocate_user_id());
        -- A conflict costs a number of an arrival, so it is left to races.
        insert into users (user_id)
        select create_user.user_id
         where not exists (select from users where users.user_id = create_user.user_id)
            on conflict do nothing;
        is_new := found;
        exit when is_new or p_user_id is not null;  -- a free id may be taken meanwhile
    end loop;
end
$$;

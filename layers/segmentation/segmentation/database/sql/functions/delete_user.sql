-- Delete a user and the user's memberships, which the caller has locked. Return how many active memberships ended.
-- The trigger gets the time of the removals as a setting, so that the history and the count of the answer agree.
create or replace function delete_user(p_user_id bigint) returns integer
language plpgsql
as $$
declare
    v_moment constant timestamptz := next_moment();
    v_ended integer;
begin
    perform set_config('segmentation.removed_at', v_moment::text, true);
    with gone as (
        delete from memberships where memberships.user_id = p_user_id
     returning memberships.segment_id, memberships.expires_at)
    select count(*)
      into v_ended
      from gone
      join segments on segments.segment_id = gone.segment_id
     where segments.deleted_at is null
       and (gone.expires_at is null or gone.expires_at > v_moment);
    delete from users where users.user_id = p_user_id;
    perform set_config('segmentation.removed_at', '', true);
    return v_ended;
end
$$;

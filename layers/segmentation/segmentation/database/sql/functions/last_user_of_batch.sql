-- Return the user up to whom an export at an instant reads in its next statement, after another user.
-- It is null if at most p_most changes were recorded since the instant. The statement then reads all of them.
-- Otherwise the statement reads the next p_most rows of the history, in order of user id. The function returns the user
-- of the last of these rows, or the largest id if fewer rows follow. Rows of months before the instant do not count.
-- So a statement reads a limited number of rows, and all statements together read each row once.
create or replace function last_user_of_batch(p_at timestamptz, p_after bigint, p_most integer) returns bigint
language plpgsql stable
    set plan_cache_mode = force_custom_plan
as $$
begin
    if not exists (select from history where history.executed_at > p_at offset p_most) then
        return null;
    end if;
    return coalesce(
        (select history.user_id
           from history
          where history.user_id > p_after and history.executed_at >= date_trunc('month', p_at, 'UTC')
          order by history.user_id
         offset p_most - 1
          limit 1),
        9223372036854775807);
end
$$;

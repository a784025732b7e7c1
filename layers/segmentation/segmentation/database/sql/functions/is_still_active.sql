-- Return whether a membership is active although it is due, or although a later instant was given out.
-- One that has ended stays ended from now on.
create or replace function is_still_active(p_expires_at timestamptz) returns boolean
language plpgsql
as $$
begin
    return p_expires_at > clock_now() or not keep_ended(p_expires_at);
end
$$;

-- Return the beginning of the month from which the history of a user is complete until an instant. It is the month of
-- the user's creation: the user was in no segment before.
-- It is null if the user did not exist at the instant, or was created anew since. It is also null if the partition of a
-- month was dropped or detached. A month whose rows are in the default partition counts as dropped.
create or replace function complete_history_begins(p_user_id bigint, p_at timestamptz) returns timestamptz
language plpgsql stable
as $$
declare
    v_month timestamptz;
begin
    select date_trunc('month', users.created_at, 'UTC') into v_month
      from users
     where users.user_id = p_user_id and users.created_at <= p_at;
    perform from generate_series(v_month at time zone 'UTC', p_at at time zone 'UTC', interval '1 month') month
      where not exists (
            select from pg_inherits
             where pg_inherits.inhparent = 'history'::regclass and not pg_inherits.inhdetachpending
               and pg_inherits.inhrelid = to_regclass('history_' || to_char(month, 'YYYY_MM')));
    return case when not found then v_month end;
end
$$;

-- Number the users whom a statement inserts, and enrol them in the percent segments.
-- A user who was there before is not in the transition table, and gets no number.
create or replace function admit_users() returns trigger
language plpgsql security definer set search_path = public, pg_temp
as $$
declare
    v_users constant bigint[] := array(select arrived.user_id from arrived order by arrived.user_id);
    v_first_ordinal bigint;
begin
    if v_users = '{}' then
        return null;
    end if;
    update population
       set arrivals = arrivals + cardinality(v_users)
 returning arrivals - cardinality(v_users) into v_first_ordinal;
    update users
       set ordinal = v_first_ordinal + numbered.position - 1
      from unnest(v_users) with ordinality numbered (user_id, position)
     where users.user_id = numbered.user_id;
    perform enrol_arrivals(v_users, v_first_ordinal, null,
                           coalesce(nullif(current_setting('segmentation.by_hand', true), ''), '{}')::integer[]);
    return null;
end
$$;

revoke all on function admit_users() from public;

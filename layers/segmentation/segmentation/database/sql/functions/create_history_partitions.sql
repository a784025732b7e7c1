-- Create the monthly partitions of the history that are missing, from a first month on.
create or replace function create_history_partitions(p_first_month date, p_months integer) returns void
language plpgsql security definer set search_path = public, pg_temp
as $$
declare
    v_month timestamp;
    v_name text;
    v_from timestamptz;
    v_to timestamptz;
begin
    for v_month in
        select generate_series(date_trunc('month', p_first_month::timestamp),
                               date_trunc('month', p_first_month::timestamp) + make_interval(months => p_months - 1),
                               '1 month')
    loop
        v_name := 'history_' || to_char(v_month, 'YYYY_MM');
        continue when to_regclass(v_name) is not null;
        v_from := v_month at time zone 'UTC';
        v_to := (v_month + interval '1 month') at time zone 'UTC';
        execute format('create table %I (like history including defaults including constraints)', v_name);
        -- Rows of that month may be in the default partition. Move them, because attaching would fail on them.
        execute format('with moved as (delete from history_default where executed_at >= $1 and executed_at < $2
                                       returning *)
                        insert into %I select * from moved', v_name) using v_from, v_to;
        execute format('alter table history attach partition %I for values from (%L) to (%L)', v_name, v_from, v_to);
    end loop;
end
$$;

revoke all on function create_history_partitions(date, integer) from public;

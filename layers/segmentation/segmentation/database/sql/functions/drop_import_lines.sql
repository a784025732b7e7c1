-- Drop the partition with the lines of an import, if it exists.
-- The drop locks the lines of all other imports for a moment. If one of these imports holds its lock too long, the
-- partition stays without lines, and the schedule drops it later.
create or replace function drop_import_lines(p_import integer) returns void
language plpgsql security definer set search_path = public, pg_temp
as $$
declare
    v_name constant text := 'import_lines_' || p_import;
begin
    if to_regclass(v_name) is null then
        return;
    end if;
    execute format('truncate %I', v_name);
    begin
        execute format('drop table %I', v_name);
    exception when lock_not_available then
        null;
    end;
end
$$;

revoke all on function drop_import_lines(integer) from public;
grant execute on function drop_import_lines(integer) to segmentation_app;

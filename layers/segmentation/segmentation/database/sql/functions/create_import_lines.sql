-- Create the partition for the lines of an import, unless it exists.
-- It is attached afterwards, because "create table ... partition of" would lock the lines of all other imports.
-- Lines are written to the partition itself. Its import_number has a default, so that COPY need not repeat it.
create or replace function create_import_lines(p_import integer) returns void
language plpgsql security definer set search_path = public, pg_temp
as $$
declare
    v_name constant text := 'import_lines_' || p_import;
begin
    if to_regclass(v_name) is not null then
        return;
    end if;
    execute format('create table %I (like import_lines including constraints)', v_name);
    execute format('alter table %I alter import_number set default %s', v_name, p_import);
    execute format('grant select, insert, update (verdict, detail) on %I to segmentation_app', v_name);
    execute format('alter table import_lines attach partition %I for values in (%s)', v_name, p_import);
end
$$;

revoke all on function create_import_lines(integer) from public;
grant execute on function create_import_lines(integer) to segmentation_app;

-- Wait for the percents that are being set, before a statement deletes users.
create or replace function begin_user_deletion() returns trigger
language plpgsql
as $$
begin
    perform hold_percents();
    return null;
end
$$;

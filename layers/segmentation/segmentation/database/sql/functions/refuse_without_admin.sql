-- Refuse a statement that leaves no admin.
-- Two sessions can delete two admins at once, and each still sees the other admin. They therefore check one after
-- another, until their commits. The check is a new statement after the lock, so it sees all commits before it.
create or replace function refuse_without_admin() returns trigger
language plpgsql
as $$
begin
    perform pg_advisory_xact_lock(5, 0);
    if not exists (select from accounts where accounts.role = 'admin') then
        raise integrity_constraint_violation using constraint = 'accounts_keep_an_admin';
    end if;
    return null;
end
$$;

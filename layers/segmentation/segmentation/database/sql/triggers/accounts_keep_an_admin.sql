-- Fires after the row is locked. Sessions that change different admins then wait for each other in one place only.
create or replace trigger accounts_keep_an_admin after delete or update of role on accounts for each row
    when (old.role = 'admin')
    execute function refuse_without_admin();

-- Fires before a statement locks the users that it deletes.
create or replace trigger users_begin_deletion before delete on users for each statement
    execute function begin_user_deletion();

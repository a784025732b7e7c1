-- Fires for a membership that would begin at the instant at which the one before it ended.
create or replace trigger memberships_begin_after_the_end before update on memberships for each row
    when (new.added_at = old.expires_at)
    execute function begin_after_the_end();

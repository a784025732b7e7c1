-- Fires for another percent and for the deletion, whatever wrote them: a request, the previous release or plain SQL.
create or replace trigger segments_cancel_steps after update of user_percent, deleted_at on segments for each row
    when (old.user_percent is distinct from new.user_percent or old.deleted_at is null and new.deleted_at is not null)
    execute function cancel_steps_of_segment();

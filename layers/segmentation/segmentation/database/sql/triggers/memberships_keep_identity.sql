-- Fires for an update that would rewrite a membership: another user or segment, or a new beginning before the end.
create or replace trigger memberships_keep_identity before update on memberships for each row
    when (new.user_id <> old.user_id or new.segment_id <> old.segment_id
          or (new.added_at <> old.added_at and (old.expires_at is null or new.added_at < old.expires_at)))
    execute function refuse_rewritten_membership();

-- Claim an idempotency key for this transaction, and return the answer that is stored under it, if there is one.
-- Another request with the same key does not wait. Its call returns at once, with is_free = false.
-- A transaction that stores no answer leaves the key free.
create or replace function claim_idempotency_key(p_scope bytea,
    out is_free boolean, out fingerprint bytea, out status smallint, out headers jsonb, out body text)
language plpgsql
as $$
begin
    is_free := pg_try_advisory_xact_lock(hashtextextended(encode(p_scope, 'hex'), 0));
    if not is_free then
        return;
    end if;
    delete from idempotency_keys
     where idempotency_keys.scope = p_scope and idempotency_keys.created_at <= now() - interval '24 hours';
    -- A statement after the lock sees the answer that the previous holder of the lock has stored.
    select kept.fingerprint, kept.status, kept.headers, kept.body into fingerprint, status, headers, body
      from idempotency_keys kept
     where kept.scope = p_scope;
end
$$;

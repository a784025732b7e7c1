-- Requests that may be sent again: what they were answered, for a day.

-- Digests, made with the key itself, which is kept nowhere: who reads the table can neither use a key nor guess what
-- a request held, a password included.
create table idempotency_keys (
    -- who asked, how, for what, under which key
    scope bytea primary key,
    -- and with which query and body
    fingerprint bytea not null,
    status smallint not null,
    headers jsonb not null,
    body text not null,
    created_at timestamptz not null default now()
);

create index idempotency_keys_by_age on idempotency_keys (created_at);

-- Take a key for this transaction, and return what is kept under it, if anything is. Whoever else comes with the key
-- is told that it is in use, and does not wait; a transaction that ends without a trace leaves the key free.
create function claim_idempotency_key(p_scope bytea,
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
    -- a statement behind the lock: it sees what the transaction that had it before has kept
    select kept.fingerprint, kept.status, kept.headers, kept.body into fingerprint, status, headers, body
      from idempotency_keys kept
     where kept.scope = p_scope;
end
$$;

grant select, insert, delete on idempotency_keys to segmentation_app;

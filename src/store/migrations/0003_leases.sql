-- Format 3: subscriptions, which were notes until now.
--
-- A lease is held by one gateway, and every write of it is conditional: on its holder, and on the fence that this
-- gateway has in its own row. So a start need not touch a million leases to take them over, and whoever still writes
-- with a lower fence changes nothing all the same. The fence in a lease is that of the last run that wrote it.

CREATE TABLE lease (
    number          INTEGER PRIMARY KEY,
    held_by         INTEGER NOT NULL REFERENCES gateway,
    fence           INTEGER NOT NULL,
    watcher         TEXT NOT NULL,              -- canonical, as the presentity
    presentity      TEXT NOT NULL,
    watcher_spelled TEXT,                       -- where the watcher spelled one of them in another way
    target_spelled  TEXT,
    kind            TEXT NOT NULL,
    standing        TEXT NOT NULL,
    since           INTEGER NOT NULL,           -- Unix milliseconds, as all times
    until           INTEGER NOT NULL,
    id              TEXT,                       -- the subscriptID
    far_id          TEXT,                       -- and the one with the server that keeps it
    far_until       INTEGER,
    ended           TEXT,                       -- how; NULL while it runs
    told            INTEGER,                    -- a digest of what the watcher was told last
    asked           TEXT,                       -- what began or ended it, by which a retransmission is recognised
    forget_at       INTEGER NOT NULL,
    UNIQUE (presentity, watcher)                -- one for a pair (the draft's section 3.4.1, step 3)
) STRICT;
CREATE INDEX lease_forget ON lease (forget_at);                         -- forgetting

INSERT INTO lease (held_by, fence, watcher, presentity, watcher_spelled, target_spelled, kind, standing, since, until,
    id, far_id, far_until, ended, forget_at)
SELECT gateway, fence, substr(key, 1, instr(key, ' ') - 1), value ->> 'presentity', value ->> 'watcher',
    value ->> 'target', value ->> 'kind', value ->> 'standing', value ->> 'since', value ->> 'until', value ->> 'id',
    value ->> '$.far[0]', value ->> '$.far[1]', value ->> 'ended', expires_at
FROM (SELECT key, CAST(value AS TEXT) AS value, expires_at FROM note WHERE space = 'presence.leases'),
    (SELECT gateway, fence FROM gateway ORDER BY gateway LIMIT 1)
WHERE true ON CONFLICT DO NOTHING;

DELETE FROM note WHERE space = 'presence.leases';

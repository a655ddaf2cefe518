-- Format 1: the journal of operations, aliases, and who was seen here.
--
-- Times are Unix milliseconds. Texts are the router's; the store compares them and no more.
-- On the way of one operation rows are only added, never changed: an operation and its body when it is accepted, an
-- outcome when it is settled. Marks and deletions come later, many at a time. Every index below costs each message
-- something; each says what it is for.

-- The gateways that work on this store. A start raises the fence, and with it takes over what that gateway held:
-- whoever still writes with a lower one is a process that was believed dead, and its writes change nothing.
CREATE TABLE gateway (
    gateway     INTEGER PRIMARY KEY,
    name        TEXT NOT NULL UNIQUE,
    fence       INTEGER NOT NULL,
    started_at  INTEGER NOT NULL,
    probed      INTEGER NOT NULL DEFAULT 0      -- counted up to see whether the disk takes writes again
) STRICT;

-- What was accepted. The first UNIQUE recognises retransmissions, and finds the transID of an incoming leg; the digest
-- is NULL once the operation no longer stops them. The second recognises loops, and finds the id.
-- leg, hop and recall_until are the attempt that was accepted together with the operation.
CREATE TABLE operation (
    number          INTEGER PRIMARY KEY,
    held_by         INTEGER NOT NULL REFERENCES gateway,
    fence           INTEGER NOT NULL,
    id              TEXT NOT NULL,
    owner_domain    TEXT NOT NULL,
    owner           TEXT NOT NULL,
    trans_id        TEXT NOT NULL,
    digest          BLOB,
    kind            TEXT NOT NULL,
    source          TEXT NOT NULL,
    source_key      TEXT NOT NULL,
    destination     TEXT NOT NULL,
    destination_key TEXT NOT NULL,
    octets          INTEGER NOT NULL,
    hops            INTEGER NOT NULL,
    via             TEXT NOT NULL,
    wait_until      INTEGER,
    standing        TEXT NOT NULL,
    accepted_at     INTEGER NOT NULL,
    leg             TEXT,
    hop             TEXT,
    recall_until    INTEGER,
    steps           TEXT NOT NULL,
    UNIQUE (trans_id, owner, digest),
    UNIQUE (id, destination_key)
) STRICT;
CREATE INDEX operation_leg ON operation (leg) WHERE leg IS NOT NULL;    -- late responses, trace

-- What was in it. A table of its own, so that wiping it frees whole pages and leaves the operations dense; and the
-- list of all that may be open: whatever has a body and no outcome.
CREATE TABLE body (
    number      INTEGER PRIMARY KEY REFERENCES operation ON DELETE CASCADE,
    content     BLOB NOT NULL,
    metadata    TEXT NOT NULL
) STRICT;

-- Attempts that came after acceptance. The one with the highest turn stands.
CREATE TABLE attempt (
    number          INTEGER NOT NULL REFERENCES operation ON DELETE CASCADE,
    turn            INTEGER NOT NULL,
    leg             TEXT NOT NULL,
    hop             TEXT NOT NULL,
    recall_until    INTEGER,
    at              INTEGER NOT NULL,
    PRIMARY KEY (number, turn)
) STRICT, WITHOUT ROWID;
CREATE INDEX attempt_leg ON attempt (leg);                              -- late responses, trace

-- How it ended. The owner is repeated for the sake of the index, which holds only the answers that still wait.
CREATE TABLE outcome (
    number          INTEGER PRIMARY KEY REFERENCES operation ON DELETE CASCADE,
    owner_domain    TEXT NOT NULL,
    owner           TEXT NOT NULL,
    handed_over     INTEGER NOT NULL DEFAULT 0,
    settled_at      INTEGER NOT NULL,
    status          TEXT NOT NULL CHECK (status IN ('success', 'failure', 'indeterminant')),
    code            TEXT,
    text            TEXT NOT NULL,
    lang            TEXT,
    duration        INTEGER,
    subscript_id    TEXT,
    steps           TEXT NOT NULL
) STRICT;
CREATE INDEX outcome_kept ON outcome (owner_domain, owner) WHERE handed_over = 0;   -- kept answers

-- Names that stand for addresses, each way unique within its space.
CREATE TABLE alias (
    space       TEXT NOT NULL,
    name        TEXT NOT NULL,
    address     TEXT NOT NULL,
    first_used  INTEGER NOT NULL,
    last_used   INTEGER NOT NULL,
    PRIMARY KEY (space, name),
    UNIQUE (space, address)
) STRICT, WITHOUT ROWID;

-- Addresses that were served here.
CREATE TABLE seen (
    address     TEXT PRIMARY KEY,
    domain      TEXT NOT NULL,
    first_seen  INTEGER NOT NULL,
    last_seen   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX seen_last ON seen (last_seen);                             -- forgetting

-- Format 2: notes: small values under keys, of adapters and of parts of the gateway, each in a space of its own.

CREATE TABLE note (
    space       TEXT NOT NULL,
    key         TEXT NOT NULL,
    value       BLOB NOT NULL,
    expires_at  INTEGER,                        -- Unix milliseconds; NULL: never
    PRIMARY KEY (space, key)
) STRICT;
CREATE INDEX note_expires ON note (expires_at) WHERE expires_at IS NOT NULL;    -- forgetting

-- Times are microseconds since 1970-01-01 UTC.

-- +goose Up
-- Who has disabled a key, as the audit trail has it: its user must not enable
-- what an administrator has disabled.
ALTER TABLE api_keys ADD COLUMN disabled_by TEXT NOT NULL DEFAULT '';

CREATE TABLE passwords (
	user_id TEXT    PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
	phc     TEXT    NOT NULL,
	changed INTEGER NOT NULL
);

-- A session begins with a log-in and ends with its last token.
CREATE TABLE sessions (
	id         TEXT    PRIMARY KEY,
	user_id    TEXT    NOT NULL REFERENCES users (id) ON DELETE CASCADE,
	method     TEXT    NOT NULL,
	key_id     TEXT    REFERENCES api_keys (id) ON DELETE CASCADE,
	scopes     TEXT    NOT NULL,
	address    TEXT    NOT NULL DEFAULT '',
	user_agent TEXT    NOT NULL DEFAULT '',
	created    INTEGER NOT NULL
);
CREATE INDEX sessions_user ON sessions (user_id);
CREATE INDEX sessions_key ON sessions (key_id);

-- idle is a number of microseconds; NULL means that the token may lie unused.
CREATE TABLE tokens (
	id         TEXT    PRIMARY KEY,
	session_id TEXT    NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
	kind       TEXT    NOT NULL,
	verifier   BLOB    NOT NULL,
	pepper_id  INTEGER NOT NULL REFERENCES peppers (id),
	expires    INTEGER,
	idle       INTEGER,
	last_used  INTEGER NOT NULL
);
CREATE INDEX tokens_session ON tokens (session_id);
CREATE INDEX tokens_expires ON tokens (expires);

-- Failed log-ins. A row with a name and a source counts those of that name from
-- there, one without a source all of that name, one without a name all from that
-- source. Names are hashed: people type passwords into the wrong field.
CREATE TABLE login_failures (
	name     TEXT    NOT NULL,
	source   TEXT    NOT NULL,
	failures INTEGER NOT NULL,
	began    INTEGER NOT NULL,
	last     INTEGER NOT NULL,
	PRIMARY KEY (name, source)
);
CREATE INDEX login_failures_last ON login_failures (last);

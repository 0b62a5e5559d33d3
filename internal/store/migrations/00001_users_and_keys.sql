-- Times are microseconds since 1970-01-01 UTC. Lists are JSON arrays of text.

-- +goose Up
CREATE TABLE peppers (
	id          INTEGER PRIMARY KEY,
	fingerprint TEXT    NOT NULL,
	created     INTEGER NOT NULL
);

CREATE TABLE users (
	id             TEXT    PRIMARY KEY,
	username       TEXT    NOT NULL,
	username_fold  TEXT    NOT NULL UNIQUE,
	display_name   TEXT    NOT NULL DEFAULT '',
	email          TEXT    NOT NULL DEFAULT '',
	email_verified INTEGER NOT NULL DEFAULT 0,
	state          TEXT    NOT NULL,
	roles          TEXT    NOT NULL DEFAULT '[]',
	groups         TEXT    NOT NULL DEFAULT '[]',
	auth_epoch     INTEGER NOT NULL DEFAULT 1,
	created        INTEGER NOT NULL,
	updated        INTEGER NOT NULL,
	version        INTEGER NOT NULL DEFAULT 1
);

CREATE TABLE api_keys (
	id                TEXT    PRIMARY KEY,
	user_id           TEXT    NOT NULL REFERENCES users (id) ON DELETE CASCADE,
	name              TEXT    NOT NULL,
	prefix            TEXT    NOT NULL,
	verifier          BLOB    NOT NULL,
	pepper_id         INTEGER NOT NULL REFERENCES peppers (id),
	previous_verifier BLOB,
	previous_expires  INTEGER,
	scopes            TEXT    NOT NULL,
	not_before        INTEGER,
	expires           INTEGER,
	networks          TEXT    NOT NULL DEFAULT '[]',
	user_agent        TEXT    NOT NULL DEFAULT '',
	audience          TEXT    NOT NULL DEFAULT '[]',
	subject           TEXT    NOT NULL DEFAULT '[]',
	api_version       TEXT    NOT NULL DEFAULT '',
	disabled          INTEGER,
	revoked           INTEGER,
	revoked_reason    TEXT    NOT NULL DEFAULT '',
	created           INTEGER NOT NULL,
	created_by        TEXT    NOT NULL,
	last_used         INTEGER
);

-- A revoked key gives its name back, so that its successor can have it.
CREATE UNIQUE INDEX api_keys_user_name ON api_keys (user_id, name) WHERE revoked IS NULL;

CREATE TABLE audit_events (
	id      TEXT    PRIMARY KEY,
	time    INTEGER NOT NULL,
	kind    TEXT    NOT NULL,
	outcome TEXT    NOT NULL,
	actor   TEXT    NOT NULL,
	user_id TEXT    NOT NULL DEFAULT '',
	key_id  TEXT    NOT NULL DEFAULT '',
	detail  TEXT    NOT NULL DEFAULT ''
);
CREATE INDEX audit_events_time ON audit_events (time);

-- Each change of a user or a key takes the next number, in the order in which
-- the changes were committed: whoever holds a copy in memory asks for what came
-- after the last one he has seen.
CREATE TABLE change_counter (
	only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
	number   INTEGER NOT NULL
);
INSERT INTO change_counter (only_row, number) VALUES (1, 0);

CREATE TABLE changes (
	number INTEGER PRIMARY KEY,
	kind   TEXT NOT NULL,
	id     TEXT NOT NULL
);

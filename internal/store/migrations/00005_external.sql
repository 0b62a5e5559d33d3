-- +goose Up
-- Whom other providers mean: issuer and subject (iss and sub) name a user. id is a digest
-- of both, in hexadecimal digits. provider and email are what they were when the identity
-- was linked, for people.
CREATE TABLE external_identities (
	id       TEXT    PRIMARY KEY,
	issuer   TEXT    NOT NULL,
	subject  TEXT    NOT NULL,
	user_id  TEXT    NOT NULL REFERENCES users (id) ON DELETE CASCADE,
	provider TEXT    NOT NULL,
	email    TEXT    NOT NULL DEFAULT '',
	created  INTEGER NOT NULL,
	UNIQUE (issuer, subject)
);
CREATE INDEX external_identities_user ON external_identities (user_id);

-- Tokens of other providers that are not accepted. id is a digest of issuer and jti; spent
-- are those that were good for one time. From expires on the row may go.
CREATE TABLE refused_tokens (
	id      TEXT    PRIMARY KEY,
	user_id TEXT    NOT NULL DEFAULT '',
	spent   INTEGER NOT NULL DEFAULT 0,
	expires INTEGER NOT NULL,
	created INTEGER NOT NULL
);
CREATE INDEX refused_tokens_expires ON refused_tokens (expires);

-- Tokens of other providers that were issued to the user before this do not count.
ALTER TABLE users ADD COLUMN tokens_after INTEGER;

-- An address of mail is verified if an administrator has given it, as all that there are
-- were until now, or a provider that is trusted for it.
UPDATE users SET email_verified = 1 WHERE email <> '';
CREATE INDEX users_email ON users (lower(email)) WHERE email <> '';

-- What the token of a provider gave at the log-in beyond the user's own.
ALTER TABLE sessions ADD COLUMN roles TEXT NOT NULL DEFAULT '[]';
ALTER TABLE sessions ADD COLUMN groups TEXT NOT NULL DEFAULT '[]';

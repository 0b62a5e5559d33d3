-- +goose Up
-- A key that its owner has made for others: they act as the owner, by presenting it
-- beside a credential of their own. agents is a JSON array of who may: folded user
-- names, and `group:` with the name of a group.
ALTER TABLE api_keys ADD COLUMN impersonation INTEGER NOT NULL DEFAULT 0;
ALTER TABLE api_keys ADD COLUMN agents TEXT NOT NULL DEFAULT '[]';
CREATE INDEX api_keys_agents ON api_keys (id) WHERE agents <> '[]';

-- The secret of a key by name comes from other software and has no id in it: such a
-- key is found by user and name. Until its first use there is only the hash that was
-- imported, and no verifier.
ALTER TABLE api_keys ADD COLUMN by_name INTEGER NOT NULL DEFAULT 0;
ALTER TABLE api_keys ADD COLUMN imported_hash TEXT NOT NULL DEFAULT '';
CREATE INDEX api_keys_imported ON api_keys (id) WHERE imported_hash <> '';

-- How many requests of a user are answered at once; 0 is what the endpoint says.
ALTER TABLE users ADD COLUMN quota INTEGER NOT NULL DEFAULT 0;

-- As whom the actor acted, as actors are written.
ALTER TABLE audit_events ADD COLUMN on_behalf_of TEXT NOT NULL DEFAULT '';

-- Counts of failed log-ins without a time, as versions before this one could leave
-- them, would keep their names out.
DELETE FROM login_failures WHERE began < 0 OR last < 0;

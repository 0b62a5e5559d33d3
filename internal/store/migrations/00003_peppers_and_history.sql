-- +goose Up
-- A key may be rotated after the pepper was: then its two secrets are under
-- different ones.
ALTER TABLE api_keys ADD COLUMN previous_pepper_id INTEGER REFERENCES peppers (id);
UPDATE api_keys SET previous_pepper_id = pepper_id WHERE previous_verifier IS NOT NULL;

-- The id of a token is made of its verifier. Under a new pepper it gets a new
-- one, while a request may still be under way that knows the token by this.
ALTER TABLE tokens ADD COLUMN former_id TEXT;
CREATE UNIQUE INDEX tokens_former ON tokens (former_id) WHERE former_id IS NOT NULL;

-- A backup that is put back begins another history: its numbers say nothing to
-- whoever has followed the one before.
ALTER TABLE change_counter ADD COLUMN history TEXT NOT NULL DEFAULT '';

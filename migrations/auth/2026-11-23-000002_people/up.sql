-- When somebody showed that the address is theirs. Accounts from before this was asked count as verified.
ALTER TABLE accounts ADD COLUMN email_verified_at TIMESTAMPTZ;
UPDATE accounts SET email_verified_at = created_at;
-- A deleted account stays as its id alone, so that the audit goes on to name one and the same.
ALTER TABLE accounts ADD COLUMN erased_at TIMESTAMPTZ;

-- What the holder of a session sees of it.
ALTER TABLE sessions ADD COLUMN device TEXT;
ALTER TABLE sessions ADD COLUMN network TEXT;
ALTER TABLE sessions ADD COLUMN last_used_at TIMESTAMPTZ;
-- When the last access token that was given for it expires, and when its last refresh token does.
ALTER TABLE sessions ADD COLUMN access_until TIMESTAMPTZ;
ALTER TABLE sessions ADD COLUMN ends_at TIMESTAMPTZ;
-- How its holder was recognised (RFC 8176), words with spaces between.
ALTER TABLE sessions ADD COLUMN amr TEXT;
CREATE INDEX sessions_ends_at ON sessions (ends_at);
CREATE INDEX refresh_tokens_expires_at ON refresh_tokens (expires_at);

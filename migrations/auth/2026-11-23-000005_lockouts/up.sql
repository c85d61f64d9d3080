-- Attempts that failed one after the other, by what they are counted for: an account, a known device, a session, or
-- the SHA-256 of a name that belongs to nobody.
CREATE TABLE failed_attempts (
  subject TEXT NOT NULL PRIMARY KEY,
  failures BIGINT NOT NULL,
  last_failed_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX failed_attempts_age ON failed_attempts (last_failed_at);

-- One sign-in and the family of refresh tokens that follows from it.
CREATE TABLE sessions (
  id UUID NOT NULL PRIMARY KEY,
  account_id UUID NOT NULL REFERENCES accounts (id),
  -- Which generation of the family is the current one, and since when.
  generation BIGINT NOT NULL,
  rotated_at TIMESTAMPTZ NOT NULL,
  -- Whether the predecessor of the current generation was tolerated already.
  grace_spent BOOLEAN NOT NULL,
  revoked_at TIMESTAMPTZ,
  created_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX sessions_account ON sessions (account_id);

-- Every token of every family, as SHA-256 in hexadecimal; never changed once written.
CREATE TABLE refresh_tokens (
  hash TEXT NOT NULL PRIMARY KEY,
  session_id UUID NOT NULL REFERENCES sessions (id),
  generation BIGINT NOT NULL,
  expires_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX refresh_tokens_session ON refresh_tokens (session_id);

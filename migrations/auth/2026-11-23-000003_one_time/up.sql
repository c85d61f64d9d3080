-- What was sent by mail and works once, as SHA-256 in hexadecimal. Somebody who asks for an address that has no
-- account leaves a row here too, so that it takes the same time.
CREATE TABLE one_time_tokens (
  hash TEXT NOT NULL PRIMARY KEY,
  purpose TEXT NOT NULL CHECK (purpose IN ('verify_email', 'reset_password')),
  -- The account, or the SHA-256 of a name that has none.
  subject TEXT NOT NULL,
  created_at TIMESTAMPTZ NOT NULL,
  expires_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX one_time_tokens_subject ON one_time_tokens (subject, purpose);
CREATE INDEX one_time_tokens_expires_at ON one_time_tokens (expires_at);

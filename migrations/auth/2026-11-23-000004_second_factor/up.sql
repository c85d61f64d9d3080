-- The secret of an authenticator app (RFC 6238), sealed with AES-256-GCM under a key that is not in this database.
CREATE TABLE totp_factors (
  account_id UUID NOT NULL PRIMARY KEY REFERENCES accounts (id),
  secret TEXT NOT NULL,
  -- Null until a first code has shown that the app has it.
  confirmed_at TIMESTAMPTZ,
  -- The last step of which a code was accepted: no code works twice.
  used_step BIGINT NOT NULL,
  created_at TIMESTAMPTZ NOT NULL
);

-- Recovery codes that are left, as SHA-256 in hexadecimal.
CREATE TABLE recovery_codes (
  account_id UUID NOT NULL REFERENCES accounts (id),
  hash TEXT NOT NULL,
  PRIMARY KEY (account_id, hash)
);

-- Who has given the password and has yet to give the second factor.
CREATE TABLE sign_in_challenges (
  hash TEXT NOT NULL PRIMARY KEY,
  account_id UUID NOT NULL REFERENCES accounts (id),
  -- What failures are counted for.
  subject TEXT NOT NULL,
  -- The known device, by its id.
  device_id UUID,
  attempts BIGINT NOT NULL,
  expires_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX sign_in_challenges_account ON sign_in_challenges (account_id);
CREATE INDEX sign_in_challenges_expires_at ON sign_in_challenges (expires_at);

-- Keys by which programs come in for an account. A secret is kept as SHA-256 in hexadecimal: 256 random bits need no slow
-- hash. After a rotation the old one stays good for a while.
CREATE TABLE api_keys (
  id UUID NOT NULL PRIMARY KEY,
  account_id UUID NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  name TEXT NOT NULL,
  hash TEXT NOT NULL,
  old_hash TEXT,
  old_valid_until TIMESTAMPTZ,
  scopes TEXT NOT NULL,
  department_id UUID,
  expires_at TIMESTAMPTZ,
  revoked_at TIMESTAMPTZ,
  last_used_at TIMESTAMPTZ,
  created_by UUID NOT NULL,
  version BIGINT NOT NULL,
  created_at TIMESTAMPTZ NOT NULL,
  updated_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX api_keys_account ON api_keys (account_id);
CREATE INDEX api_keys_created_at ON api_keys (created_at);

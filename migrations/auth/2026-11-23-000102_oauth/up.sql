-- Programs that are registered as OAuth clients. The secret is kept as SHA-256 in hexadecimal; a public client has none.
CREATE TABLE oauth_clients (
  id UUID NOT NULL PRIMARY KEY,
  name TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('confidential', 'public')),
  secret_hash TEXT,
  redirect_uris JSONB NOT NULL,
  grant_types TEXT NOT NULL,
  scopes TEXT NOT NULL,
  department_id UUID,
  revoked_at TIMESTAMPTZ,
  created_by UUID NOT NULL,
  version BIGINT NOT NULL,
  created_at TIMESTAMPTZ NOT NULL,
  updated_at TIMESTAMPTZ NOT NULL,
  CHECK ((kind = 'confidential') = (secret_hash IS NOT NULL))
);
CREATE INDEX oauth_clients_created_at ON oauth_clients (created_at);

-- What an account has allowed a client: one row for each time, with the family of refresh tokens that follows from it.
CREATE TABLE oauth_grants (
  id UUID NOT NULL PRIMARY KEY,
  client_id UUID NOT NULL REFERENCES oauth_clients (id),
  account_id UUID NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  scopes TEXT NOT NULL,
  auth_time TIMESTAMPTZ NOT NULL,
  generation BIGINT NOT NULL,
  rotated_at TIMESTAMPTZ NOT NULL,
  grace_spent BOOLEAN NOT NULL,
  -- From then on no token of it is valid any more, unless it is refreshed.
  expires_at TIMESTAMPTZ NOT NULL,
  revoked_at TIMESTAMPTZ,
  created_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX oauth_grants_client ON oauth_grants (client_id);
CREATE INDEX oauth_grants_account ON oauth_grants (account_id);
CREATE INDEX oauth_grants_expires_at ON oauth_grants (expires_at);

-- Refresh tokens as SHA-256 in hexadecimal; never changed once written.
CREATE TABLE oauth_refresh_tokens (
  hash TEXT NOT NULL PRIMARY KEY,
  grant_id UUID NOT NULL REFERENCES oauth_grants (id) ON DELETE CASCADE,
  generation BIGINT NOT NULL,
  expires_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX oauth_refresh_tokens_grant ON oauth_refresh_tokens (grant_id);
CREATE INDEX oauth_refresh_tokens_expires_at ON oauth_refresh_tokens (expires_at);

-- Authorization codes as SHA-256 in hexadecimal. One that is used names the grant that was made of it, so that whoever
-- shows it again ends that.
CREATE TABLE oauth_codes (
  hash TEXT NOT NULL PRIMARY KEY,
  client_id UUID NOT NULL REFERENCES oauth_clients (id),
  account_id UUID NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  redirect_uri TEXT NOT NULL,
  challenge TEXT NOT NULL,
  scopes TEXT NOT NULL,
  nonce TEXT,
  auth_time TIMESTAMPTZ NOT NULL,
  expires_at TIMESTAMPTZ NOT NULL,
  grant_id UUID REFERENCES oauth_grants (id) ON DELETE CASCADE
);
CREATE INDEX oauth_codes_expires_at ON oauth_codes (expires_at);
CREATE INDEX oauth_codes_grant ON oauth_codes (grant_id);

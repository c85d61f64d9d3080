-- The keys that access tokens are signed with: Ed25519, PKCS #8 in base64.
CREATE TABLE signing_keys (
  id TEXT NOT NULL PRIMARY KEY,
  pkcs8 TEXT NOT NULL,
  active BOOLEAN NOT NULL,
  created_at TIMESTAMPTZ NOT NULL
);
-- Of several replicas that start at once, one makes the key.
CREATE UNIQUE INDEX signing_keys_active_key ON signing_keys (active) WHERE active;

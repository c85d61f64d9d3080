-- Whoever signs in. E-mail and user name are kept in lower case, so that the unique indexes see no capitals.
CREATE TABLE accounts (
  id UUID NOT NULL PRIMARY KEY,
  email TEXT NOT NULL,
  username TEXT,
  status TEXT NOT NULL CHECK (status IN ('active', 'disabled')),
  patient_id UUID,
  practitioner_id UUID,
  version BIGINT NOT NULL,
  created_at TIMESTAMPTZ NOT NULL,
  updated_at TIMESTAMPTZ NOT NULL
);
CREATE UNIQUE INDEX accounts_email_key ON accounts (email);
CREATE UNIQUE INDEX accounts_username_key ON accounts (username);
CREATE INDEX accounts_created_at ON accounts (created_at);

CREATE TABLE account_roles (
  account_id UUID NOT NULL REFERENCES accounts (id),
  role TEXT NOT NULL,
  PRIMARY KEY (account_id, role)
);
CREATE INDEX account_roles_role ON account_roles (role);

-- A table of its own: an account that signs in by other means has no row here, and what reads accounts does not
-- read hashes by the way.
CREATE TABLE passwords (
  account_id UUID NOT NULL PRIMARY KEY REFERENCES accounts (id),
  hash TEXT NOT NULL,
  set_at TIMESTAMPTZ NOT NULL
);

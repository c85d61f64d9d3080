-- Who shall get an account. The account will have the id of its invitation.
CREATE TABLE invitations (
  id UUID NOT NULL PRIMARY KEY,
  email TEXT NOT NULL,
  -- Words with spaces between.
  roles TEXT NOT NULL,
  patient_id UUID,
  practitioner_id UUID,
  -- SHA-256 in hexadecimal of what the mail carries.
  token_hash TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('open', 'accepted', 'withdrawn')),
  invited_by UUID NOT NULL,
  created_at TIMESTAMPTZ NOT NULL,
  expires_at TIMESTAMPTZ NOT NULL
);
CREATE UNIQUE INDEX invitations_token_hash_key ON invitations (token_hash);
CREATE UNIQUE INDEX invitations_open_key ON invitations (email) WHERE status = 'open';
CREATE INDEX invitations_created_at ON invitations (created_at);

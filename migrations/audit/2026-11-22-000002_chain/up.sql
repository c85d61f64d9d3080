-- The audit as a chain. The tables before it held no chain to go on from, and no release has been made with them.
DROP TABLE entry_patients;
DROP TABLE entries;

-- One row for each act. `entry` is what is hashed, shown and exported, byte for byte: canonical JSON. The columns
-- after it repeat what the list can be filtered by; `hms audit verify` compares them with it.
-- docs/audit.md says what each hash is of.
CREATE TABLE entries (
  seq BIGINT NOT NULL PRIMARY KEY,
  prev_hash TEXT NOT NULL,
  hash TEXT NOT NULL,
  entry TEXT NOT NULL,
  id UUID NOT NULL,
  at TIMESTAMPTZ NOT NULL,
  service TEXT NOT NULL,
  actor_id UUID,
  action TEXT NOT NULL CHECK (action IN ('create', 'read', 'update', 'delete', 'execute')),
  resource TEXT NOT NULL,
  resource_id TEXT,
  outcome TEXT NOT NULL CHECK (outcome IN ('success', 'refused'))
);
-- What is asked is "latest first": each index goes on with the id, which is in the order of time.
CREATE UNIQUE INDEX entries_id_key ON entries (id);
CREATE INDEX entries_actor_id_id_idx ON entries (actor_id, id);
CREATE INDEX entries_resource_resource_id_id_idx ON entries (resource, resource_id, id);
-- With the number, so that the part of the chain that holds a span of time is found in the index alone.
CREATE INDEX entries_at_id_seq_idx ON entries (at, id, seq);

-- Whose records an act touched or showed. The key answers "who looked at this patient?" (patient and action).
CREATE TABLE entry_patients (
  patient_id UUID NOT NULL,
  action TEXT NOT NULL,
  seq BIGINT NOT NULL REFERENCES entries (seq),
  PRIMARY KEY (patient_id, action, seq)
);
CREATE INDEX entry_patients_seq_idx ON entry_patients (seq);

-- The keys that checkpoints are signed with: Ed25519; the private half is PKCS #8, both are in base64.
CREATE TABLE checkpoint_keys (
  id TEXT NOT NULL PRIMARY KEY,
  public_key TEXT NOT NULL,
  pkcs8 TEXT NOT NULL,
  active BOOLEAN NOT NULL,
  created_at TIMESTAMPTZ NOT NULL
);
-- Of several replicas that start at once, one makes the key.
CREATE UNIQUE INDEX checkpoint_keys_active_key ON checkpoint_keys (active) WHERE active;

-- What was signed, and when. `statement` is what the signature is over, byte for byte; the columns before it repeat
-- what it says.
CREATE TABLE checkpoints (
  number BIGINT NOT NULL PRIMARY KEY,
  seq BIGINT NOT NULL,
  hash TEXT NOT NULL,
  at TIMESTAMPTZ NOT NULL,
  statement TEXT NOT NULL,
  signature TEXT NOT NULL
);
CREATE INDEX checkpoints_seq_number_idx ON checkpoints (seq, number);

-- How far the beginning of the chain has been pruned; nothing can be deleted that is not covered by a row here.
CREATE TABLE prunings (
  seq BIGINT NOT NULL PRIMARY KEY,
  at TIMESTAMPTZ NOT NULL
);

-- Where the chain goes on: one row, which whoever appends, signs or prunes locks first.
CREATE TABLE chain_head (
  id BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
  seq BIGINT NOT NULL,
  hash TEXT NOT NULL,
  -- The newest checkpoint: its number, the entry up to which it goes, the hash of its statement.
  checkpoint_number BIGINT NOT NULL,
  checkpoint_seq BIGINT NOT NULL,
  checkpoint_hash TEXT NOT NULL,
  -- The last entry that was pruned.
  boundary_seq BIGINT NOT NULL,
  boundary_hash TEXT NOT NULL,
  -- Since when there is an entry that no checkpoint covers.
  waiting_since TIMESTAMPTZ
);
INSERT INTO chain_head (
  id, seq, hash, checkpoint_number, checkpoint_seq, checkpoint_hash, boundary_seq, boundary_hash
) VALUES (
  1,
  0, '0000000000000000000000000000000000000000000000000000000000000000',
  0, 0, '0000000000000000000000000000000000000000000000000000000000000000',
  0, '0000000000000000000000000000000000000000000000000000000000000000'
);

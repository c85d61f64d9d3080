-- What was revoked before its access tokens have expired: sessions, and whatever else a token names in its `sid`.
-- The gateway follows this list by position.
CREATE TABLE revocations (
  position BIGINT NOT NULL PRIMARY KEY,
  sid UUID NOT NULL,
  revoked_at TIMESTAMPTZ NOT NULL,
  -- From then on every access token with this sid has expired by itself.
  until TIMESTAMPTZ NOT NULL
);
CREATE INDEX revocations_until ON revocations (until);

-- The last position that was given. Who gives the next one holds this row until the end of the transaction: so
-- positions appear in their order, and whoever has read up to one has missed none before it.
CREATE TABLE revocation_positions (
  id BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
  last BIGINT NOT NULL
);
INSERT INTO revocation_positions (id, last) VALUES (1, 0);

-- What this service keeps of those an appointment names: copies made from the user service's events. `version` is
-- the version of the original, so that an event that comes late is dropped. No row is ever deleted.
CREATE TABLE patients (
  id UUID PRIMARY KEY,
  version BIGINT NOT NULL,
  active BOOLEAN NOT NULL
);

-- Whoever books, moves or otherwise changes an appointment holds the row of its practitioner (PostgreSQL).
CREATE TABLE practitioners (
  id UUID PRIMARY KEY,
  version BIGINT NOT NULL,
  name TEXT NOT NULL,
  active BOOLEAN NOT NULL
);

CREATE TABLE departments (
  id UUID PRIMARY KEY,
  version BIGINT NOT NULL,
  active BOOLEAN NOT NULL
);

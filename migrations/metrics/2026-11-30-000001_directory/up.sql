-- What this service keeps of practitioners and departments: copies made from the user service's events. `version` is the
-- version of the original, so that an event that comes late is dropped. No row is ever deleted.
CREATE TABLE practitioners (
  id UUID PRIMARY KEY,
  version BIGINT NOT NULL,
  name TEXT NOT NULL,
  account_id UUID
);

CREATE INDEX practitioners_account ON practitioners (account_id);

CREATE TABLE departments (
  id UUID PRIMARY KEY,
  version BIGINT NOT NULL,
  name TEXT NOT NULL
);

-- What is known of patients here: a copy that follows the events of the user service.
CREATE TABLE patients (
  id UUID PRIMARY KEY,
  version BIGINT NOT NULL,
  name TEXT NOT NULL,
  email TEXT,
  phone TEXT,
  active BOOLEAN NOT NULL
);

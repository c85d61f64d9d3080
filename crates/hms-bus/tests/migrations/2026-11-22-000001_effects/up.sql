-- What the handlers of the tests did, in order. Nothing is unique here: a double effect must show.
CREATE TABLE effects (
  place BIGINT PRIMARY KEY,
  event_id UUID NOT NULL,
  kind TEXT NOT NULL,
  subject TEXT NOT NULL,
  version BIGINT NOT NULL
);

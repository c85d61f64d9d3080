-- What the user service told of its patients and practitioners: whose account each one is, as of which version of
-- the record, so that news that come late change nothing.
CREATE TABLE record_links (
  kind TEXT NOT NULL CHECK (kind IN ('patient', 'practitioner')),
  record_id UUID NOT NULL,
  account_id UUID,
  version BIGINT NOT NULL,
  PRIMARY KEY (kind, record_id)
);

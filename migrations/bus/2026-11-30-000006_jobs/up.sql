-- Jobs that are committed and not yet handed to the broker; without a broker, those that wait to be done. They have a
-- table of their own, so that any number of them stands in the way of no event. What has the smaller `rank` goes to the broker
-- first.
CREATE TABLE job_outbox (
  id UUID PRIMARY KEY,
  queue TEXT NOT NULL,
  rank BIGINT NOT NULL,
  body TEXT NOT NULL,
  created_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX job_outbox_queue_id_idx ON job_outbox (queue, id);
CREATE INDEX job_outbox_rank_id_idx ON job_outbox (rank, id);

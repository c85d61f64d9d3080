-- Each message that is due has a job in a queue. `job_at` is when to give it one (anew): when it becomes due, and if it still
-- waits long after that. What the version before writes has a job at once; what it does is the same with and without one.
-- The indexes by `due_at` are that version's, and go with it.
ALTER TABLE messages ADD COLUMN job_at TIMESTAMPTZ NOT NULL DEFAULT '1970-01-01T00:00:00.000000Z';
ALTER TABLE account_mails ADD COLUMN job_at TIMESTAMPTZ NOT NULL DEFAULT '1970-01-01T00:00:00.000000Z';
CREATE INDEX messages_job_at_idx ON messages (lane, job_at) WHERE status = 'pending';
CREATE INDEX account_mails_job_at_idx ON account_mails (job_at) WHERE status = 'pending';

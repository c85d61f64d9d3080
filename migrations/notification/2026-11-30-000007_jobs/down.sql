DROP INDEX account_mails_job_at_idx;
DROP INDEX messages_job_at_idx;
ALTER TABLE account_mails DROP COLUMN job_at;
ALTER TABLE messages DROP COLUMN job_at;

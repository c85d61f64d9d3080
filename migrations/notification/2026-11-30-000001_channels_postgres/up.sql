-- An event notifies once by each way, and a reminder once for each of its times.
ALTER TABLE messages ADD COLUMN occasion TEXT NOT NULL DEFAULT '';
-- 0 before 1 before 2.
ALTER TABLE messages ADD COLUMN lane BIGINT NOT NULL DEFAULT 1;
ALTER TABLE messages ADD COLUMN appointment_id UUID;
ALTER TABLE messages ADD COLUMN expires_at TIMESTAMPTZ;
ALTER TABLE messages ADD COLUMN read_at TIMESTAMPTZ;
ALTER TABLE messages DROP CONSTRAINT messages_event_id_kind_key;
ALTER TABLE messages ADD CONSTRAINT messages_event_id_kind_channel_occasion_key UNIQUE (event_id, kind, channel, occasion);
DROP INDEX messages_due_at_idx;
CREATE INDEX messages_due_idx ON messages (channel, lane, due_at) WHERE status = 'pending';
CREATE INDEX messages_appointment_id_idx ON messages (appointment_id) WHERE status = 'pending';

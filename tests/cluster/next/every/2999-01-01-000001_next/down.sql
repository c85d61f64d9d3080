DROP TABLE next_things;
ALTER TABLE idempotency_keys DROP COLUMN next_note;
ALTER TABLE outbox DROP COLUMN next_lane;

ALTER TABLE appointments DROP COLUMN next_channel;

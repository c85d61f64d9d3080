ALTER TABLE messages DROP COLUMN devices;

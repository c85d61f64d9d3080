-- Of a push message that some devices have and others may still take: those others.
ALTER TABLE messages ADD COLUMN devices JSONB;

ALTER TABLE patients ADD COLUMN next_language TEXT NOT NULL DEFAULT 'en';
ALTER TABLE practitioners ADD COLUMN next_rooms JSONB NOT NULL DEFAULT '[]';

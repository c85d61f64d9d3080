-- `encoding` tells how `body` is kept: `text`, or `base64` where it is none. `patient_ids` are the patients that the
-- letter names, so that the audit can be told whose records were shown without reading every body.
ALTER TABLE dead_letters ADD COLUMN encoding TEXT NOT NULL DEFAULT 'text';
ALTER TABLE dead_letters ADD COLUMN patient_ids JSONB NOT NULL DEFAULT '[]';

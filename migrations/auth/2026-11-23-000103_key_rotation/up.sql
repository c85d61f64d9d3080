-- `active` is the newest key, the one that no other follows yet. A key is published from the start, signs from `used_from`
-- until the next one's `used_from`, and goes when all that it signed has expired. Null: from the beginning; until further
-- notice.
ALTER TABLE signing_keys ADD COLUMN used_from TIMESTAMPTZ;
ALTER TABLE signing_keys ADD COLUMN used_until TIMESTAMPTZ;

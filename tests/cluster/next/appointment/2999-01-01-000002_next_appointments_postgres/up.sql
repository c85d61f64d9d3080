ALTER TABLE appointments ADD COLUMN next_channel TEXT;
ALTER TABLE appointments ADD CONSTRAINT appointments_next_channel CHECK (next_channel <> '') NOT VALID;

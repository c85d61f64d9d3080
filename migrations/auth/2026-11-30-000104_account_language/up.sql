-- The language in which to write to the holder of an account (BCP 47), and to whoever is invited.
ALTER TABLE accounts ADD COLUMN language TEXT;
ALTER TABLE invitations ADD COLUMN language TEXT;

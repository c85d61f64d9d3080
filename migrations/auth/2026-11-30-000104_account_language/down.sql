ALTER TABLE invitations DROP COLUMN language;
ALTER TABLE accounts DROP COLUMN language;

-- What was known here before the other services kept a copy of it, and is yet to be told to them: whose account a
-- practitioner has and where they belong, and who is in whose care. A row goes in the transaction that tells it.
CREATE TABLE untold (
  kind TEXT NOT NULL CHECK (kind IN ('care', 'practitioner')),
  id UUID NOT NULL,
  PRIMARY KEY (kind, id)
);
INSERT INTO untold (kind, id)
  SELECT 'practitioner', id FROM practitioners WHERE account_id IS NOT NULL OR department_id IS NOT NULL;
INSERT INTO untold (kind, id)
  SELECT 'care', appointment_id FROM care_relations WHERE binding;

-- An entry and the rows of its patients are written in one transaction, and the chain is checked with them
-- (`hms audit verify`). To look the entry up once more for each patient would cost nearly as much as writing the row.
ALTER TABLE entry_patients DROP CONSTRAINT entry_patients_seq_fkey;

ALTER TABLE entry_patients ADD CONSTRAINT entry_patients_seq_fkey FOREIGN KEY (seq) REFERENCES entries (seq);

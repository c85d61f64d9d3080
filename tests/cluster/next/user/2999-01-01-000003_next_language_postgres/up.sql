CREATE INDEX CONCURRENTLY patients_next_language_idx ON patients (next_language, id);

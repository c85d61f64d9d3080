-- Parts of words by their trigrams, as the index `patients_search` has them on PostgreSQL. Rows are told by a number of
-- their own: the hidden one of `patients` may change when the file is vacuumed.
CREATE TABLE patient_places (
  place INTEGER PRIMARY KEY,
  patient_id UUID NOT NULL UNIQUE
);
CREATE VIRTUAL TABLE patient_trigrams USING fts5 (search_text, detail = none, tokenize = 'trigram case_sensitive 1');
INSERT INTO patient_places (patient_id) SELECT id FROM patients;
INSERT INTO patient_trigrams (rowid, search_text)
  SELECT place, search_text FROM patient_places JOIN patients ON patients.id = patient_places.patient_id;

CREATE TRIGGER patients_search_insert AFTER INSERT ON patients BEGIN
  INSERT INTO patient_places (patient_id) VALUES (NEW.id);
  INSERT INTO patient_trigrams (rowid, search_text)
    SELECT place, NEW.search_text FROM patient_places WHERE patient_id = NEW.id;
END;
CREATE TRIGGER patients_search_update AFTER UPDATE OF search_text ON patients
WHEN NEW.search_text <> OLD.search_text BEGIN
  UPDATE patient_trigrams SET search_text = NEW.search_text
    WHERE rowid = (SELECT place FROM patient_places WHERE patient_id = NEW.id);
END;
CREATE TRIGGER patients_search_delete AFTER DELETE ON patients BEGIN
  DELETE FROM patient_trigrams WHERE rowid = (SELECT place FROM patient_places WHERE patient_id = OLD.id);
  DELETE FROM patient_places WHERE patient_id = OLD.id;
END;

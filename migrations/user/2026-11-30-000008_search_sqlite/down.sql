DROP TRIGGER patients_search_delete;
DROP TRIGGER patients_search_update;
DROP TRIGGER patients_search_insert;
DROP TABLE patient_trigrams;
DROP TABLE patient_places;

-- Which folding made `search_text`: rows of an older one are folded anew by the service, a few at a time.
ALTER TABLE patients ADD COLUMN search_version BIGINT NOT NULL DEFAULT 1;
ALTER TABLE practitioners ADD COLUMN search_version BIGINT NOT NULL DEFAULT 1;
ALTER TABLE departments ADD COLUMN search_version BIGINT NOT NULL DEFAULT 1;
CREATE INDEX patients_unfolded ON patients (id) WHERE search_version < 2;
CREATE INDEX practitioners_unfolded ON practitioners (id) WHERE search_version < 2;
CREATE INDEX departments_unfolded ON departments (id) WHERE search_version < 2;

-- Parts of words by their trigrams. The extension is a trusted one: the owner of the database may create it.
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE INDEX patients_search ON patients USING gin (search_text gin_trgm_ops);
CREATE INDEX practitioners_search ON practitioners USING gin (search_text gin_trgm_ops);

-- The span in which an event was taken (`traceparent`), where it is traced and something follows from it later, such as a
-- mail.
ALTER TABLE inbox ADD COLUMN traceparent TEXT;

-- The statements of `POST /api/v1/patients`, for pgbench: the limit that the unit of work is measured against.
--
-- Each line `sent` is what the user service sends, word for word, as hms_db::Database::listen hears it; below it stands
-- the same with values for its parameters. tests/statements.rs fails when the lines `sent` are no longer what is sent.
-- The event and the audit entry are of the length of the real ones, and so is the answer that is kept.
--
-- It runs with the search path bench, public, on tables like the service's own: else the service would publish these.
\set key random(1, 9223372036854775807)
\set mrn random(1, 9223372036854775807)
-- sent: BEGIN
BEGIN;
-- sent: INSERT INTO "patients" ("id", "mrn", "status", "given_name", "family_name", "birth_date", "gender", "phone", "email", "language", "address", "identifiers", "deceased_at", "account_id", "version", "created_at", "updated_at", "search_text", "search_version") VALUES ($1, $2, $3, $4, $5, $6, $7, DEFAULT, DEFAULT, DEFAULT, DEFAULT, $8, DEFAULT, DEFAULT, $9, $10, $11, $12, $13) ON CONFLICT DO NOTHING
INSERT INTO "patients" ("id", "mrn", "status", "given_name", "family_name", "birth_date", "gender", "phone", "email",
  "language", "address", "identifiers", "deceased_at", "account_id", "version", "created_at", "updated_at",
  "search_text", "search_version")
VALUES (gen_random_uuid(), CAST(:mrn AS text), 'active', 'Ann', CAST(:key AS text), date '1980-01-01', 'female', DEFAULT,
  DEFAULT, DEFAULT, DEFAULT, '[]', DEFAULT, DEFAULT, 1, now(), now(),
  'ann ' || CAST(:key AS text), 2) ON CONFLICT DO NOTHING;
-- sent: INSERT INTO "outbox" ("event_id", "kind", "subject", "body", "created_at") SELECT CAST(given."event_id" AS uuid), CAST(given."kind" AS text), CAST(given."subject" AS text), CAST(given."body" AS text), CAST(given."created_at" AS timestamptz) FROM unnest($1, $2, $3, $4, $5) WITH ORDINALITY AS given ("event_id", "kind", "subject", "body", "created_at", place) ORDER BY place
INSERT INTO "outbox" ("event_id", "kind", "subject", "body", "created_at")
SELECT CAST(given."event_id" AS uuid), CAST(given."kind" AS text), CAST(given."subject" AS text), CAST(given."body" AS text),
  CAST(given."created_at" AS timestamptz)
FROM unnest(
  ARRAY[CAST(gen_random_uuid() AS text), CAST(gen_random_uuid() AS text)],
  ARRAY['patient.created', 'audit.recorded'],
  ARRAY[CAST(gen_random_uuid() AS text), CAST(gen_random_uuid() AS text)],
  ARRAY[repeat('x', 520), repeat('x', 780)],
  ARRAY[CAST(now() AS text), CAST(now() AS text)]
) WITH ORDINALITY AS given ("event_id", "kind", "subject", "body", "created_at", place) ORDER BY place;
-- sent: INSERT INTO "idempotency_keys" ("caller", "operation", "idempotency_key", "fingerprint", "status", "answer", "created_at") VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING
INSERT INTO "idempotency_keys" ("caller", "operation", "idempotency_key", "fingerprint", "status", "answer", "created_at")
VALUES ('0197a3c2-0000-7000-8000-000000000001', 'POST /api/v1/patients', CAST(:key AS text), repeat('f', 64), 201,
  jsonb_build_object('status', 201, 'body', repeat('x', 420)), now())
ON CONFLICT DO NOTHING;
-- sent: COMMIT
COMMIT;

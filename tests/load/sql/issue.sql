-- The statements of `POST /api/v1/billing/invoices` with `issue`, for pgbench: the limit that the unit of work is measured
-- against.
--
-- Each line `sent` is what the billing service sends, word for word, as hms_db::Database::listen hears it; below it stands
-- the same with values for its parameters. tests/statements.rs fails when the lines `sent` are no longer what is sent.
-- The lines, the events, the audit entries and the answer that is kept are of the length of the real ones.
--
-- It runs with the search path bench, public, on tables like the service's own, with their constraints and triggers: else
-- the service would publish these. There the patients are numbered from 1 to 100. All wait for the one row of the series, as
-- they do in the service: its numbers have no gap, and so it is taken last of what can be written without it.
\set key random(1, 9223372036854775807)
\set patient random(1, 100)
-- sent: BEGIN
BEGIN;
-- sent: SELECT "patients"."name" FROM "patients" WHERE ("patients"."id" = $1) LIMIT $2
SELECT "patients"."name" FROM "patients"
WHERE "patients"."id" = CAST(lpad(CAST(:patient AS text), 32, '0') AS uuid) LIMIT 1;
-- sent: INSERT INTO "postings" ("entry_id", "position", "account", "amount", "department_id") SELECT CAST(given."entry_id" AS uuid), CAST(given."position" AS bigint), CAST(given."account" AS text), CAST(given."amount" AS bigint), CAST(given."department_id" AS uuid) FROM unnest($1, $2, $3, $4, $5) WITH ORDINALITY AS given ("entry_id", "position", "account", "amount", "department_id", place) ORDER BY place
INSERT INTO "postings" ("entry_id", "position", "account", "amount", "department_id")
SELECT CAST(given."entry_id" AS uuid), CAST(given."position" AS bigint), CAST(given."account" AS text),
  CAST(given."amount" AS bigint), CAST(given."department_id" AS uuid)
FROM unnest(
  array_fill(lpad(to_hex(CAST(:key AS bigint)), 32, '0'), ARRAY[3]),
  ARRAY['1', '2', '3'],
  ARRAY['1100', '4000', '2200'],
  ARRAY['11016', '-10440', '-576'],
  CAST(ARRAY[NULL, NULL, NULL] AS text[])
) WITH ORDINALITY AS given ("entry_id", "position", "account", "amount", "department_id", place) ORDER BY place;
-- sent: UPDATE "series" SET "next" = ("series"."next" + $1) WHERE ("series"."code" = $2) RETURNING "series"."next"
UPDATE "series" SET "next" = "series"."next" + 1 WHERE "series"."code" = 'INV' RETURNING "series"."next" \gset
-- sent: INSERT INTO "invoices" ("id", "kind", "status", "series", "serial", "patient_id", "appointment_id", "practitioner_id", "department_id", "coverage_id", "payer_id", "credits", "currency", "lines", "net", "tax", "total", "patient_due", "patient_settled", "patient_credited", "payer_due", "payer_settled", "payer_credited", "open", "issued_on", "due_on", "dunning_level", "note", "reference", "version", "created_at", "updated_at") VALUES ($1, $2, $3, $4, $5, $6, DEFAULT, DEFAULT, DEFAULT, DEFAULT, DEFAULT, DEFAULT, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, DEFAULT, DEFAULT, $22, $23, $24)
INSERT INTO "invoices" ("id", "kind", "status", "series", "serial", "patient_id", "appointment_id", "practitioner_id",
  "department_id", "coverage_id", "payer_id", "credits", "currency", "lines", "net", "tax", "total", "patient_due",
  "patient_settled", "patient_credited", "payer_due", "payer_settled", "payer_credited", "open", "issued_on", "due_on",
  "dunning_level", "note", "reference", "version", "created_at", "updated_at")
VALUES (CAST(lpad(to_hex(CAST(:key AS bigint)), 32, '1') AS uuid), 'invoice', 'issued', 'INV', CAST(:next AS bigint) - 1,
  CAST(lpad(CAST(:patient AS text), 32, '0') AS uuid), DEFAULT, DEFAULT, DEFAULT, DEFAULT, DEFAULT, DEFAULT, 'EUR',
  jsonb_build_array(repeat('x', 220), repeat('x', 220), repeat('x', 220)), 10440, 576, 11016, 11016, 0, 0, 0, 0, 0, 11016,
  current_date, current_date + 30, 0, DEFAULT, DEFAULT, 2, now(), now());
-- sent: INSERT INTO "entries" ("id", "booked_on", "kind", "memo", "currency", "source_id", "reverses", "created_at") VALUES ($1, $2, $3, $4, $5, $6, DEFAULT, $7)
INSERT INTO "entries" ("id", "booked_on", "kind", "memo", "currency", "source_id", "reverses", "created_at")
VALUES (CAST(lpad(to_hex(CAST(:key AS bigint)), 32, '0') AS uuid), current_date, 'invoice', 'Invoice INV-000042', 'EUR',
  CAST(lpad(to_hex(CAST(:key AS bigint)), 32, '1') AS uuid), DEFAULT, now());
-- sent: INSERT INTO "outbox" ("event_id", "kind", "subject", "body", "created_at") SELECT CAST(given."event_id" AS uuid), CAST(given."kind" AS text), CAST(given."subject" AS text), CAST(given."body" AS text), CAST(given."created_at" AS timestamptz) FROM unnest($1, $2, $3, $4, $5) WITH ORDINALITY AS given ("event_id", "kind", "subject", "body", "created_at", place) ORDER BY place
INSERT INTO "outbox" ("event_id", "kind", "subject", "body", "created_at")
SELECT CAST(given."event_id" AS uuid), CAST(given."kind" AS text), CAST(given."subject" AS text), CAST(given."body" AS text),
  CAST(given."created_at" AS timestamptz)
FROM unnest(
  ARRAY[CAST(gen_random_uuid() AS text), CAST(gen_random_uuid() AS text), CAST(gen_random_uuid() AS text)],
  ARRAY['billing.invoice.issued', 'audit.recorded', 'audit.recorded'],
  ARRAY[CAST(gen_random_uuid() AS text), CAST(gen_random_uuid() AS text), CAST(gen_random_uuid() AS text)],
  ARRAY[repeat('x', 720), repeat('x', 780), repeat('x', 780)],
  ARRAY[CAST(now() AS text), CAST(now() AS text), CAST(now() AS text)]
) WITH ORDINALITY AS given ("event_id", "kind", "subject", "body", "created_at", place) ORDER BY place;
-- sent: INSERT INTO "idempotency_keys" ("caller", "operation", "idempotency_key", "fingerprint", "status", "answer", "created_at") VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING
INSERT INTO "idempotency_keys" ("caller", "operation", "idempotency_key", "fingerprint", "status", "answer", "created_at")
VALUES ('0197a3c2-0000-7000-8000-000000000001', 'POST /api/v1/billing/invoices', CAST(:key AS text), repeat('f', 64), 201,
  jsonb_build_object('status', 201, 'body', repeat('x', 1300)), now())
ON CONFLICT DO NOTHING;
-- sent: COMMIT
COMMIT;

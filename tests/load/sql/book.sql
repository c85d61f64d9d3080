-- The statements of `POST /api/v1/appointments`, for pgbench: the limit that the unit of work is measured against.
--
-- Each line `sent` is what the appointment service sends, word for word, as hms_db::Database::listen hears it; below it
-- stands the same with values for its parameters. tests/statements.rs fails when the lines `sent` are no longer what is
-- sent. The event and the audit entry are of the length of the real ones, and so is the answer that is kept.
--
-- It runs with the search path bench, public, on tables like the service's own, with their constraints and triggers: else
-- the service would publish these. There the patients are numbered from 1 to 100, and the practitioners to 50; `n` is
-- given, and no two runs have a value of it in common, so that no two bookings want one quarter of an hour.
\set n :n + 1
\set quarter permute(:n * 1000 + :client_id, 4000000000)
\set key random(1, 9223372036854775807)
\set patient random(1, 100)
\set practitioner random(1, 50)
-- sent: BEGIN
BEGIN;
-- sent: SELECT "practitioners"."name", "practitioners"."active", (SELECT "patients"."active" FROM "patients" WHERE ("patients"."id" = $1) LIMIT $2), (SELECT "departments"."active" FROM "departments" WHERE ("departments"."id" = $3) LIMIT $4), (SELECT "occupancy"."end_at" FROM "occupancy" WHERE (((("occupancy"."resource_id" = $5) AND ("occupancy"."start_at" < $6)) AND ("occupancy"."owner_id" != $7)) AND (("occupancy"."expires_at" IS NULL) OR ("occupancy"."expires_at" > $8))) ORDER BY "occupancy"."start_at" DESC LIMIT $9), (SELECT "occupancy"."owner_id" FROM "occupancy" WHERE (("occupancy"."resource_id" = $10) AND ("occupancy"."expires_at" <= $11)) LIMIT $12), (SELECT "schedules"."id" FROM "schedules" WHERE (("schedules"."practitioner_id" = $13) AND "schedules"."active") LIMIT $14) FROM "practitioners" WHERE ("practitioners"."id" = $15) FOR UPDATE
SELECT "practitioners"."name", "practitioners"."active",
  (SELECT "patients"."active" FROM "patients"
    WHERE "patients"."id" = CAST(lpad(CAST(:patient AS text), 32, '0') AS uuid) LIMIT 1),
  (SELECT "departments"."active" FROM "departments" WHERE "departments"."id" = CAST(NULL AS uuid) LIMIT 1),
  (SELECT "occupancy"."end_at" FROM "occupancy"
    WHERE "occupancy"."resource_id" = CAST(lpad(CAST(:practitioner AS text), 32, '0') AS uuid)
      AND "occupancy"."start_at" < timestamptz '2030-01-01 00:15Z' + CAST(:quarter AS bigint) * interval '15 min'
      AND "occupancy"."owner_id" != gen_random_uuid()
      AND ("occupancy"."expires_at" IS NULL OR "occupancy"."expires_at" > now())
    ORDER BY "occupancy"."start_at" DESC LIMIT 1),
  (SELECT "occupancy"."owner_id" FROM "occupancy"
    WHERE "occupancy"."resource_id" = CAST(lpad(CAST(:practitioner AS text), 32, '0') AS uuid)
      AND "occupancy"."expires_at" <= now() LIMIT 1),
  (SELECT "schedules"."id" FROM "schedules"
    WHERE "schedules"."practitioner_id" = CAST(lpad(CAST(:practitioner AS text), 32, '0') AS uuid)
      AND "schedules"."active" LIMIT 1)
FROM "practitioners" WHERE "practitioners"."id" = CAST(lpad(CAST(:practitioner AS text), 32, '0') AS uuid) FOR UPDATE;
-- sent: INSERT INTO "appointments" ("id", "patient_id", "practitioner_id", "department_id", "start_at", "end_at", "status", "reason", "description", "cancellation_reason", "identifiers", "version", "created_at", "updated_at", "appointment_type_id", "series_id", "zone", "resource_ids", "overbook_reason", "late_cancellation", "busy_start", "busy_end", "session_id", "seat", "seats") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25)
INSERT INTO "appointments" ("id", "patient_id", "practitioner_id", "department_id", "start_at", "end_at", "status",
  "reason", "description", "cancellation_reason", "identifiers", "version", "created_at", "updated_at",
  "appointment_type_id", "series_id", "zone", "resource_ids", "overbook_reason", "late_cancellation", "busy_start",
  "busy_end", "session_id", "seat", "seats")
VALUES (gen_random_uuid(), CAST(lpad(CAST(:patient AS text), 32, '0') AS uuid),
  CAST(lpad(CAST(:practitioner AS text), 32, '0') AS uuid), NULL,
  timestamptz '2030-01-01 00:00Z' + CAST(:quarter AS bigint) * interval '15 min',
  timestamptz '2030-01-01 00:15Z' + CAST(:quarter AS bigint) * interval '15 min', 'booked', 'check-up', NULL, NULL, '[]',
  1, now(), now(), NULL, NULL, NULL, '[]', NULL, FALSE, NULL, NULL, NULL, 0, 1);
-- sent: INSERT INTO "outbox" ("event_id", "kind", "subject", "body", "created_at") SELECT CAST(given."event_id" AS uuid), CAST(given."kind" AS text), CAST(given."subject" AS text), CAST(given."body" AS text), CAST(given."created_at" AS timestamptz) FROM unnest($1, $2, $3, $4, $5) WITH ORDINALITY AS given ("event_id", "kind", "subject", "body", "created_at", place) ORDER BY place
INSERT INTO "outbox" ("event_id", "kind", "subject", "body", "created_at")
SELECT CAST(given."event_id" AS uuid), CAST(given."kind" AS text), CAST(given."subject" AS text), CAST(given."body" AS text),
  CAST(given."created_at" AS timestamptz)
FROM unnest(
  ARRAY[CAST(gen_random_uuid() AS text), CAST(gen_random_uuid() AS text)],
  ARRAY['appointment.scheduled', 'audit.recorded'],
  ARRAY[CAST(gen_random_uuid() AS text), CAST(gen_random_uuid() AS text)],
  ARRAY[repeat('x', 700), repeat('x', 780)],
  ARRAY[CAST(now() AS text), CAST(now() AS text)]
) WITH ORDINALITY AS given ("event_id", "kind", "subject", "body", "created_at", place) ORDER BY place;
-- sent: INSERT INTO "idempotency_keys" ("caller", "operation", "idempotency_key", "fingerprint", "status", "answer", "created_at") VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING
INSERT INTO "idempotency_keys" ("caller", "operation", "idempotency_key", "fingerprint", "status", "answer", "created_at")
VALUES ('0197a3c2-0000-7000-8000-000000000001', 'POST /api/v1/appointments', CAST(:key AS text), repeat('f', 64), 201,
  jsonb_build_object('status', 201, 'body', repeat('x', 540)), now())
ON CONFLICT DO NOTHING;
-- sent: COMMIT
COMMIT;

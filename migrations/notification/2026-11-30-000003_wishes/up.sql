-- The language in which to write to a patient (BCP 47), and whether they can sign in.
ALTER TABLE patients ADD COLUMN language TEXT;
ALTER TABLE patients ADD COLUMN has_account BOOLEAN NOT NULL DEFAULT FALSE;
-- The names of departments: a copy that follows the events of the user service.
CREATE TABLE departments (
  id UUID PRIMARY KEY,
  version BIGINT NOT NULL,
  name TEXT NOT NULL
);
-- Which messages a patient wants, by which ways, and when not.
CREATE TABLE notification_preferences (
  patient_id UUID PRIMARY KEY,
  version BIGINT NOT NULL,
  -- By group; of one that is not in it, the ways of the house.
  channels JSONB NOT NULL,
  quiet JSONB,
  updated_at TIMESTAMPTZ NOT NULL
);
-- Browsers and devices that have asked for messages.
CREATE TABLE push_subscriptions (
  id UUID PRIMARY KEY,
  patient_id UUID NOT NULL,
  account_id UUID NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('web', 'fcm')),
  -- The endpoint of a browser, the token of an app.
  address TEXT NOT NULL,
  p256dh TEXT,
  auth TEXT,
  created_at TIMESTAMPTZ NOT NULL,
  CONSTRAINT push_subscriptions_address_key UNIQUE (address)
);
CREATE INDEX push_subscriptions_patient_id_idx ON push_subscriptions (patient_id, id);
-- Addresses that a channel has given up for good.
CREATE TABLE dead_addresses (
  channel TEXT NOT NULL,
  address TEXT NOT NULL,
  since TIMESTAMPTZ NOT NULL,
  PRIMARY KEY (channel, address)
);
-- The words of messages, as people have written them; no version ever changes.
CREATE TABLE notification_templates (
  id UUID PRIMARY KEY,
  kind TEXT NOT NULL,
  channel TEXT NOT NULL,
  language TEXT NOT NULL,
  version BIGINT NOT NULL,
  subject TEXT NOT NULL,
  body TEXT NOT NULL,
  author_id UUID NOT NULL,
  created_at TIMESTAMPTZ NOT NULL,
  CONSTRAINT notification_templates_version_key UNIQUE (kind, channel, language, version)
);

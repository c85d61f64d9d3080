-- Mails about accounts: to show that an address is one's own, to accept an invitation, to set another password. They
-- carry a secret that works once and not for long: address and text are forgotten as soon as the mail is sent, or when
-- it is given up.
CREATE TABLE account_mails (
  id UUID PRIMARY KEY,
  version BIGINT NOT NULL,
  event_id UUID NOT NULL,
  kind TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('pending', 'sent', 'failed', 'skipped')),
  recipient TEXT,
  subject TEXT NOT NULL,
  body TEXT,
  attempts BIGINT NOT NULL,
  -- As in messages.
  due_at TIMESTAMPTZ NOT NULL,
  -- Later than this the mail would be of no use.
  expires_at TIMESTAMPTZ NOT NULL,
  created_at TIMESTAMPTZ NOT NULL,
  error TEXT,
  -- The same event never mails twice.
  CONSTRAINT account_mails_event_id_key UNIQUE (event_id)
);
CREATE INDEX account_mails_due_at_idx ON account_mails (due_at) WHERE status = 'pending';
CREATE INDEX account_mails_created_at_idx ON account_mails (created_at);

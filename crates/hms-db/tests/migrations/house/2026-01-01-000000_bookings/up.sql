CREATE TABLE bookings (
    id UUID PRIMARY KEY,
    customer_id UUID NOT NULL REFERENCES customers (id),
    status TEXT NOT NULL CONSTRAINT bookings_status_check CHECK (status IN ('pending', 'confirmed', 'cancelled')),
    amount_minor BIGINT NOT NULL,
    paid BOOLEAN NOT NULL DEFAULT FALSE,
    note TEXT,
    starts_on DATE NOT NULL,
    meta JSONB NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    cancelled_at TIMESTAMPTZ
);
CREATE INDEX bookings_latest ON bookings (created_at DESC, id DESC);
CREATE UNIQUE INDEX bookings_customer_id_starts_on_key ON bookings (customer_id, starts_on) WHERE status = 'pending';

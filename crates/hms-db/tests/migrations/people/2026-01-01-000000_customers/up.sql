CREATE TABLE customers (
    id UUID PRIMARY KEY,
    name TEXT NOT NULL,
    email TEXT,
    visits BIGINT NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX customers_email_key ON customers (email);

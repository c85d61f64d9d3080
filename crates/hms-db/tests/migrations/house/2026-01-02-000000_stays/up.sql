CREATE TABLE stays (
    id UUID PRIMARY KEY,
    customer_id UUID REFERENCES customers (id) DEFERRABLE INITIALLY DEFERRED,
    from_on DATE NOT NULL,
    until_on DATE NOT NULL
);

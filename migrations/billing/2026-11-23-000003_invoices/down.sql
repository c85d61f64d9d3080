DROP TABLE jobs;
DROP TABLE refunds;
DROP TABLE allocations;
DROP TABLE payments;
DROP TABLE claims;
DROP TABLE invoices;
DROP TABLE series;

DROP TABLE revocation_positions;
DROP TABLE revocations;

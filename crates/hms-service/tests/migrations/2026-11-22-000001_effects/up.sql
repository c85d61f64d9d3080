CREATE TABLE effects (
  event_id UUID NOT NULL
);
-- As long as there is a row, the service takes nothing.
CREATE TABLE refusals (
  reason TEXT NOT NULL
);

DROP TABLE refusals; DROP TABLE effects;

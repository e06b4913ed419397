-- load_staging: the rows of one file before they are compared with each other; dropped with the connection.
-- One row is: an observation and the line it was read from, numbered in file order.   Parameters: none.
-- DuckDB only: a temporary table may spill to disk, so that a large file needs little memory.
CREATE TEMP TABLE staged (
    seq BIGINT, line BIGINT, indicator VARCHAR, cc VARCHAR, asn BIGINT, entity VARCHAR, t_start TIMESTAMP, t_end TIMESTAMP,
    value DOUBLE, low DOUBLE, high DOUBLE, unit VARCHAR, state VARCHAR, quality DOUBLE, n BIGINT, scale_id VARCHAR
);

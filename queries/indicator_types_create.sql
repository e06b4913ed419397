-- indicator_types_create: the table of types stated by mapping files, made by the first load that states one.
-- No rows.   Parameters: none.
-- DuckDB only: COMMENT ON.
CREATE TABLE IF NOT EXISTS indicator_types (
    snapshot_id VARCHAR NOT NULL,
    indicator VARCHAR NOT NULL,
    type VARCHAR NOT NULL
);
COMMENT ON TABLE indicator_types IS 'One row per file and indicator for which the mapping stated a type';
COMMENT ON COLUMN indicator_types.snapshot_id IS 'The file whose mapping states it';
COMMENT ON COLUMN indicator_types.indicator IS 'A user''s own indicator, as in observations';
COMMENT ON COLUMN indicator_types.type IS 'interest, acquisition, connection, traffic, users, evidence, denominator';

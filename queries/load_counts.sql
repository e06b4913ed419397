-- load_counts: how much of the staged file stands, and when its last row begins.
-- One row: staged, doubled, last_start.   Parameters: none.
SELECT
    count(*) AS staged,
    (SELECT count(*) FROM doubles) AS doubled,
    max(t_start) AS last_start
FROM staged;

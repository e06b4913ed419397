-- denominator_vintages: denominators of a country as every file gave them, older vintages among them.
-- One row per (indicator, entity, unit, year, snapshot_id).   Parameters: $cc.
-- The year is that of the interval's middle, as a local year may begin in the year before by UTC. Where a file holds
-- several values of a year, the last stands.
-- Example: vpn-uptake query denominator_vintages -p cc=PK
WITH dated AS (
    SELECT
        o.indicator, o.entity, o.unit, o.value, o.t_start, o.snapshot_id, s.retrieved_at,
        CAST(extract(YEAR FROM o.t_start + (o.t_end - o.t_start) / 2) AS BIGINT) AS year
    FROM observations AS o
    INNER JOIN snapshots AS s ON o.snapshot_id = s.snapshot_id
    WHERE o.cc = $cc AND o.indicator LIKE 'denominator.%' AND o.value IS NOT NULL
),
ranked AS (
    SELECT
        *,
        row_number() OVER (PARTITION BY indicator, entity, unit, year, snapshot_id ORDER BY t_start DESC) AS age
    FROM dated
)
SELECT indicator, entity, year, value, unit, snapshot_id, retrieved_at
FROM ranked
WHERE age = 1
ORDER BY indicator, entity, unit, year, retrieved_at, snapshot_id;

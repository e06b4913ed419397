-- panel_series: one indicator and entity over all countries, the newest vintage of each value.
-- One row per (cc, t_start).   Parameters: $indicator, $asn, $entity, $unit, $scale_id.
-- Newest = last retrieved; a file whose retrieval time is not known gives way to one that states it, and among
-- those the file that reaches furthest wins. Days without a row are absent, never 0.
WITH vintages AS (
    SELECT
        o.cc, o.t_start, o.t_end, o.value, o.low, o.high, CAST(o.state AS VARCHAR) AS state, o.quality, o.n, o.snapshot_id, s.retrieved_at,
        row_number() OVER (
            PARTITION BY o.cc, o.t_start
            ORDER BY s.retrieved_at DESC NULLS LAST, r.reaches DESC, o.snapshot_id
        ) AS age
    FROM observations AS o
    INNER JOIN snapshots AS s ON o.snapshot_id = s.snapshot_id
    INNER JOIN (
        SELECT snapshot_id, max(t_start) AS reaches FROM observations GROUP BY snapshot_id
    ) AS r ON o.snapshot_id = r.snapshot_id
    WHERE o.indicator = $indicator AND o.asn = $asn AND o.entity = $entity AND o.unit = $unit
        AND o.scale_id = $scale_id
)
SELECT cc, t_start, t_end, value, low, high, state, quality, n, snapshot_id, retrieved_at
FROM vintages
WHERE age = 1
ORDER BY cc, t_start;

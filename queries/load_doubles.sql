-- load_doubles: staged rows that share a grain with another row of the same file.
-- One row is: a staged row that must not be kept, and why.   Parameters: none.
-- Rows that say the same: the first stays, the others repeat it.  Rows that do not: none can be believed, all go.
-- DuckDB only: a temporary table.
CREATE TEMP TABLE doubles AS
WITH shared AS (
    SELECT indicator, cc, asn, entity, t_start, min(seq) AS first_seq
    FROM staged
    GROUP BY indicator, cc, asn, entity, t_start
    HAVING count(*) > 1
),
compared AS (
    SELECT
        s.seq, s.line, s.value, g.first_seq, f.line AS first_line, f.value AS first_value,
        s.value IS NOT DISTINCT FROM f.value AND s.low IS NOT DISTINCT FROM f.low
            AND s.high IS NOT DISTINCT FROM f.high AND s.unit = f.unit AND s.state = f.state
            AND s.quality IS NOT DISTINCT FROM f.quality AND s.n IS NOT DISTINCT FROM f.n
            AND s.t_end = f.t_end AND s.scale_id = f.scale_id AS is_same
    FROM shared AS g
    JOIN staged AS s
        ON s.indicator = g.indicator AND s.cc = g.cc AND s.asn = g.asn AND s.entity = g.entity AND s.t_start = g.t_start
    JOIN staged AS f ON f.seq = g.first_seq
),
disputed AS (
    SELECT first_seq, min(seq) AS other_seq
    FROM compared
    WHERE NOT is_same
    GROUP BY first_seq
),
opposed AS (
    SELECT
        c.seq, c.line, c.value AS own_value,
        CASE WHEN c.is_same THEN o.line ELSE c.first_line END AS other_line,
        CASE WHEN c.is_same THEN o.value ELSE c.first_value END AS other_value
    FROM compared AS c
    JOIN disputed AS d ON d.first_seq = c.first_seq
    JOIN staged AS o ON o.seq = d.other_seq
)
SELECT
    seq, line,
    'contradicts line ' || other_line || CASE
        WHEN own_value IS NOT DISTINCT FROM other_value THEN ': the same value, but other bounds, unit or quality'
        ELSE ': ' || coalesce(regexp_replace(CAST(own_value AS VARCHAR), '\.0$', ''), 'no value')
            || ' against ' || coalesce(regexp_replace(CAST(other_value AS VARCHAR), '\.0$', ''), 'no value')
    END AS reason
FROM opposed
UNION ALL
SELECT seq, line, 'repeats line ' || first_line AS reason
FROM compared AS c
WHERE seq <> first_seq AND NOT EXISTS (SELECT 1 FROM disputed AS d WHERE d.first_seq = c.first_seq);

-- runs_log: every question asked of this store, shown or not, with how its rows came out.
-- One row per run.   Parameters: none.
-- Example: vpn-uptake query runs_log
SELECT
    r.run_id,
    r.asked_at,
    r.question,
    count(e.run_id) AS estimate_rows,
    sum(CASE WHEN e.verdict IN ('rise', 'fall') THEN 1 ELSE 0 END) AS changes,
    sum(CASE WHEN e.verdict = 'not_estimable' THEN 1 ELSE 0 END) AS not_estimable,
    r.data_hash,
    r.tool_version
FROM runs AS r
LEFT JOIN estimates AS e ON r.run_id = e.run_id
GROUP BY r.run_id, r.asked_at, r.question, r.data_hash, r.tool_version
ORDER BY r.asked_at, r.run_id;

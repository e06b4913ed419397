-- plan_known: what a store holds when a plan is frozen in it.
-- One row.   Parameters: $cc, $indicators (a list), $block_ids (a list).
-- newest = end of the newest value of the indicators in the country; the other moments tell how late the store's own
-- clock has come; runs = rows that were asked of the event before.
SELECT
    (SELECT max(t_end) FROM observations WHERE cc = $cc AND list_contains($indicators, indicator)) AS newest,
    (SELECT max(t_start) FROM observations) AS newest_in_store,
    (SELECT max(retrieved_at) FROM snapshots) AS newest_retrieval,
    (SELECT max(asked_at) FROM runs) AS newest_run,
    (SELECT count(*) FROM estimates WHERE list_contains($block_ids, block_id)) AS runs;

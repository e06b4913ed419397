-- count_runs: how many questions were asked of this store.
-- One row: runs.   Parameters: none.
SELECT count(*) AS runs FROM runs;

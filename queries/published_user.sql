-- published_user: publishers' figures that a user imported.
-- One row per figure. Parameters: none.
SELECT
    block_id, publisher, indicator, window_start, window_end, value, unit, baseline, address, role, source_grade, note
FROM published
WHERE snapshot_id NOT IN (SELECT snapshot_id FROM snapshots WHERE source = 'catalogue')
ORDER BY block_id, publisher, indicator, window_start, value;

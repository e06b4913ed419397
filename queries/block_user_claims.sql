-- block_user_claims: statements that a user added or imported.
-- One row per statement, in the order of its file. Parameters: none.
SELECT block_id, who, says, address, stated_at
FROM block_claims
WHERE snapshot_id NOT IN (SELECT snapshot_id FROM snapshots WHERE source = 'catalogue')
ORDER BY block_id, stated_at, who, says;

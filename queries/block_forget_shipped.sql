-- block_forget_shipped: drop the rows of an older shipped catalogue before the present one is written.
-- Rows that a user added stay. Several statements. Parameters: none.
DELETE FROM blocks WHERE snapshot_id IN (SELECT snapshot_id FROM snapshots WHERE source = 'catalogue');
DELETE FROM non_events WHERE snapshot_id IN (SELECT snapshot_id FROM snapshots WHERE source = 'catalogue');
DELETE FROM block_claims WHERE snapshot_id IN (SELECT snapshot_id FROM snapshots WHERE source = 'catalogue');
DELETE FROM published WHERE snapshot_id IN (SELECT snapshot_id FROM snapshots WHERE source = 'catalogue');
DELETE FROM snapshots WHERE source = 'catalogue';

-- block_forget: drop blocks of an older vintage of a list, so that the newer one takes their place.
-- Deletes at most one row of blocks per id. Claims stay: they say what was said. Parameters: $block_ids, $source.
DELETE FROM blocks
WHERE list_contains(CAST($block_ids AS VARCHAR []), block_id)
    AND snapshot_id IN (SELECT snapshot_id FROM snapshots WHERE source = $source);

-- load_capture_hashes: size and hash of every capture in the store, to know one again by its size before it is read.
-- One row per capture.   Parameters: none.
SELECT bytes, sha256 FROM snapshots WHERE source = 'capture';

"""Questions fixed before the data are seen, and the log of all that were asked."""

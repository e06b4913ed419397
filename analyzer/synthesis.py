"""Several indicators -> one statement within a type; across types a table, never one ratio."""

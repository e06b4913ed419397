"""Parsers of application payload: total functions from bytes to what they say, None where they are something else."""

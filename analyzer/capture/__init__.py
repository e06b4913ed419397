"""Bytes of a capture -> packets -> flows -> labels; knows nothing of DuckDB.

`containers` cuts files into blocks of whole records, `decode` turns a block into columns of packets, `table` gathers
packets into flows, `rules` say what a flow carries and why.  `engine.flows_of` runs them over one capture.
"""

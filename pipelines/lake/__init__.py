"""The lake: finished calls as Parquet, beside the database that the dialer lives on.

`tables` says what is in it, `manifest` what a commit is, `write` adds one, `read` answers queries
over a commit and the hot tail; docs/lake.md tells of the files.
"""

"""A made-up history of calls, from a seed: for teaching, for benchmarks, and for tests of analyses.

`planted` holds what is true of it, `plan` who is called when, `dials`, `talk`, `told` and `ledger`
make the rows of a campaign, `frames` and `standing` put them into the lake's schemas; `to_lake` and
`to_home` write them.
"""

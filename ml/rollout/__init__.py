"""A candidate's way to being champion: shadow, canary, champion, or back. docs/models-rollout.md

`plan`, `sequential` and `decide` are pure; `books` reads and writes Postgres, `moves` the home and
the registry, `judge` puts them together.
"""

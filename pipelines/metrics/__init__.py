"""Every metric, once: pure functions over frames (`load` alone reads a database)."""

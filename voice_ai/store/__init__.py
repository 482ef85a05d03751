"""Reads and writes that several processes share; the caller owns the transaction."""

"""The shared ground of Voice AI: nouns, pure rules, events, database, settings."""

__version__ = "0.1.0"

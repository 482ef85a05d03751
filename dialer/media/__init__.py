"""One call's conversation over a media socket: hearing, taking turns, speaking, logging."""

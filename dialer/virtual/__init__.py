"""Calls in virtual time: the media session with a world around it that does as it is told."""

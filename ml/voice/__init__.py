"""Emotion from the sound of a voice: what is measured of it, and a model over that."""

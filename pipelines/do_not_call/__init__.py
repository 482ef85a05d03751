"""Files of numbers that must not be called: people who told us, and the lists that others keep."""

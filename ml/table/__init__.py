"""Models over rows of columns: whom to call. Reading, leak checks, fitting, judging in time."""

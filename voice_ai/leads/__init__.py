"""What makes a row a lead: its number, the places it may be in, and why it is refused."""

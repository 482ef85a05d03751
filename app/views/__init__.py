"""One page per file; a page answers the question that is its title."""

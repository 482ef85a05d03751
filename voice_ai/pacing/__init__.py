"""How fast may it go, from which number? Pure rules; the dialer's claim and its judge call them."""

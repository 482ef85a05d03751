"""When to call: hours of the called party's week, shrunken, sampled, measured against chance."""

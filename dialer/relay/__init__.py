"""One conversation over ConversationRelay: the carrier hears and speaks, text passes between us."""

"""Foreign engines behind our ports. Each is imported late; its types, quirks and errors stay in its file."""

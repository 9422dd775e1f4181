"""The read side: from a question to the notes and passages that answer it."""

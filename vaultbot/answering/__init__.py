"""From found passages to an answer, every sentence of which carries its source."""

"""What could be linked: found in the notes, shown with its place, never written without a person's word."""

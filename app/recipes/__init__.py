"""What to do, in which order: one file per recovery procedure, one line in the registry. Knows no window, no thread."""

"""What a step may do: events, questions, jobs, boards and their identity. No thread, no window, no procedure."""

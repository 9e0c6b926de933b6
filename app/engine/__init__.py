"""Who does it: the runner of recipes, the watcher of boards, a thread per job, a clerk for files. Knows no window."""

"""Programs that run inside sandboxes, each a process of its own; they import nothing of ours."""

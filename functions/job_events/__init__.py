"""Job events: what happens to a job reaches its row, its project and its owner."""

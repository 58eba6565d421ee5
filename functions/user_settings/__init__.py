"""Settings: how a person is told of jobs, and what the person may use."""

"""Working on what is deployed: a smoke test, a job run again, a restored installation."""

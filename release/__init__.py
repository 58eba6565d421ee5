"""How a revision gets to its environments: what `.github/workflows` call; docs/releasing.md."""

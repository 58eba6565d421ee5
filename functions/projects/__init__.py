"""Projects: a person's places, kept per user."""

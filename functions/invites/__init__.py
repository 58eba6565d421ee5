"""Invitations: administrators let people into a user pool."""

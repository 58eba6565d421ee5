"""The files that pilots' apps and maps read, and what each app must be told beside its file."""

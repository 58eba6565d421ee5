"""What every function uses: settings, claims, errors, stores, observability."""

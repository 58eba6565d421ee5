"""Writes the documents: `python -m functions.openapi`."""

import sys

from functions.openapi.build import write_documents

if __name__ == "__main__":
    for path in write_documents():
        sys.stdout.write(f"{path}\n")

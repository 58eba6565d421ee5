"""The demo: deploys the program into the embedded cloud and takes a capture from upload to a model."""

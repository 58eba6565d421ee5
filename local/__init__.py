"""This machine: the embedded cloud, the deployer, the sample capture and the demo."""

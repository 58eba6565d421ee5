"""The base layer: what the functions need beyond the AWS runtime, one archive per runtime and machine."""

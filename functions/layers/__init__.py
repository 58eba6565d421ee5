"""The layers: what the functions need beyond the AWS runtime, one archive each per runtime and machine."""

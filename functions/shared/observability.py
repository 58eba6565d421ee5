"""One logger and one tracer for all functions.

Neither is ever given a request's body, a token, a signed URL or an answer: events are logged by their ids.
"""

from aws_lambda_powertools import Logger, Tracer

logger = Logger()
tracer = Tracer()

"""Senders of mails: one that SES knows, and one that it refuses."""

from functions.shared.mail import Sender

CONFIGURATION_SET = "test-mails"
UNKNOWN_SENDER = Sender("unknown@nowhere.example", CONFIGURATION_SET)

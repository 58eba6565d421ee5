"""The waitlist and feedback: what people may send without an account."""

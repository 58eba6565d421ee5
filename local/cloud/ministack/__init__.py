"""What runs inside MiniStack's process: the launcher and what it adds.

Only the standard library, MiniStack and botocore may be imported here: the process has an environment of its
own.
"""

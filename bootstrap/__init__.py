"""What must exist in an AWS account before the first `pulumi up`: docs/new-account.md."""

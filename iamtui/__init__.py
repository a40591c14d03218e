"""iamtui: browse an AWS account's IAM, ask what a principal may do and why, assume roles."""

__version__ = "0.1.0"

"""What an AWS account is: immutable records of everything IAM knows, and the JSON they come from."""

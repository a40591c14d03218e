"""An AWS account: immutable records of everything IAM knows, and the JSON they come from."""

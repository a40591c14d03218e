"""The only room that touches boto3 and botocore."""

"""What AWS documents as data: actions, condition keys, ARN forms, dependent actions, escalation paths."""

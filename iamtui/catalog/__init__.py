"""AWS's documentation as data: actions, condition keys, ARN forms, dependent actions, escalation paths."""

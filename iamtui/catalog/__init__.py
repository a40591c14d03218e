"""What AWS offers: actions, resource types, ARN forms, condition keys."""

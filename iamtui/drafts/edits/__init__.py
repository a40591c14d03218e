"""The kinds of edits of a draft, one class each: its record, application, words, AWS CLI, Terraform and checks."""

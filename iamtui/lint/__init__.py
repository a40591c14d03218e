"""What AWS would refuse or warn about in a policy document, one module for each part of a document."""

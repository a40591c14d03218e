"""Policy lint: what AWS would refuse or warn about, one module for each element of a document."""

"""The detail pane: everything IAM knows of one entity, in tabs."""

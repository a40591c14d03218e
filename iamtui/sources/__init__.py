"""Where an Account comes from: live AWS, a snapshot file, the embedded demo."""

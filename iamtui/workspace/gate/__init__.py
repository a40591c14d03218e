"""What a plan of infrastructure changes does: the calls it takes, whose access it changes, the policies it writes."""

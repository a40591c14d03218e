"""What may somebody do, and why: questions, their answers, verdicts, and everybody's at once."""

"""Why was this denied: what AWS said beside what the account says."""

"""An open source: account, profiles, cache, what is loaded, principals by name."""

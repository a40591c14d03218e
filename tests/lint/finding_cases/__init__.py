"""Documents and the codes of the findings that they must give, and nothing else, by what is wrong with them."""

"""`placet validate`: documents are read one by one, held to a profile, and reported in one of four formats."""

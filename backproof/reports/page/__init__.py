"""The report as a page: what it tells, its formulas and its pictures."""

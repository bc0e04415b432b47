"""Sections of the report: each module turns an analysis into words, figures and tables."""

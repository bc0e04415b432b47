"""One module per section of the report: from an analysis to words, figures and tables."""

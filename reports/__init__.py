"""From a record to a report: analysis, charts, HTML, Markdown. Reads recorded files alone."""

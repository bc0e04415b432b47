"""From records to reports, gate results and the site. Needs no engine."""

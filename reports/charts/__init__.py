"""Charts: Vega-Lite specifications, and their drawing as SVG."""

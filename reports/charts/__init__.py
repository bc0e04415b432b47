"""Vega-Lite specifications, and drawing them."""

"""What is measured: each metric declared once."""

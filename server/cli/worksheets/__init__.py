"""Worksheets as people print them: text, HTML, PDF."""

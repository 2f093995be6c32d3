"""SAP AI Core."""

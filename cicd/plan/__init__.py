"""Pure: desired and live in, Plan out. No I/O here."""

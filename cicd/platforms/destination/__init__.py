"""SAP BTP Destination service."""

"""A look-alike of SAP AI Core that really runs templates; imports nothing else of cicd."""
